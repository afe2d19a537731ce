//! How machines of a simulated mesh become members, and become so again after they were thrown out.

use std::fs;

use crate::checks::Found;
use crate::told::Ask;
use crate::world::World;

impl World {
    /// A machine that was thrown out and knows it is forgotten by the lead, wiped, and brought in again.
    pub fn readmits(&mut self) -> Found {
        let machine = self.any_follower();
        let node = self.machines[machine].name.clone();
        let knows = self.places[machine].state.as_ref().is_some_and(|state| state.freshness == "banned");
        if !self.watch.banned.is_out(&node) || !knows || self.places[machine].joins || !self.places[0].up {
            return Ok(());
        }
        self.watch.banned.may_return(&node);
        self.of_lead(Ask::Remove(node));
        self.stops(machine)?;
        self.wipes(machine)?;
        self.figures.readmissions += 1;
        Ok(())
    }

    fn wipes(&mut self, machine: usize) -> Found {
        self.watch.renewed(machine);
        let node = &self.machines[machine];
        let config = node.config.borrow();
        for gone in [&config.node.state_dir, &config.api.socket_dir] {
            fs::remove_dir_all(gone)
                .or_else(|error| if gone.exists() { Err(error) } else { Ok(()) })
                .map_err(|error| error.to_string())?;
        }
        let _missing = fs::remove_file(node.config_file());
        drop(config);
        let place = &mut self.places[machine];
        (place.joins, place.joining, place.token, place.state) = (true, None, None, None);
        Ok(())
    }

    /// Machines that are to become members get what they need for it: a token, and somebody who types it.
    pub fn admits(&mut self) {
        for machine in 1..self.machines.len() {
            let place = &self.places[machine];
            if !place.joins || !place.up || place.joining.is_some_and(|id| self.pending.contains_key(&id)) {
                continue;
            }
            let asked = match place.token.clone() {
                Some(token) => self.ask(machine, Ask::Join(token)),
                None if self.places[0].up => {
                    let ask = Ask::Token(self.machines[machine].name.clone(), place.entitlement.clone());
                    self.ask(0, ask)
                }
                None => continue,
            };
            self.places[machine].joining = Some(asked);
        }
    }
}
