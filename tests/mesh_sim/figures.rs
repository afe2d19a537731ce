//! How much happened in a simulated mesh, or in many.

use std::fmt;

/// Counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub meshes: u64,
    /// Milliseconds of simulated meshes.
    pub mesh_ms: u64,
    pub nodes: u64,
    pub asked: u64,
    pub acknowledged: u64,
    pub given: u64,
    pub refused: u64,
    /// Questions that were lost with the node they were put to.
    pub lost: u64,
    pub kills: u64,
    pub power_cuts: u64,
    pub torn_writes: u64,
    pub cuts: u64,
    pub holds: u64,
    pub datagrams: u64,
    pub slow_disks: u64,
    pub clock_jumps: u64,
    pub reboots: u64,
    pub bans: u64,
    pub readmissions: u64,
    pub freezes: u64,
    pub rotations: u64,
    /// Nodes that found themselves unfit and started again.
    pub unfit: u64,
    /// Lines of journals that were looked for and found.
    pub lines: u64,
}

impl Figures {
    /// With what happened in others.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.meshes, other.meshes),
            (&mut self.mesh_ms, other.mesh_ms),
            (&mut self.nodes, other.nodes),
            (&mut self.asked, other.asked),
            (&mut self.acknowledged, other.acknowledged),
            (&mut self.given, other.given),
            (&mut self.refused, other.refused),
            (&mut self.lost, other.lost),
            (&mut self.kills, other.kills),
            (&mut self.power_cuts, other.power_cuts),
            (&mut self.torn_writes, other.torn_writes),
            (&mut self.cuts, other.cuts),
            (&mut self.holds, other.holds),
            (&mut self.datagrams, other.datagrams),
            (&mut self.slow_disks, other.slow_disks),
            (&mut self.clock_jumps, other.clock_jumps),
            (&mut self.reboots, other.reboots),
            (&mut self.bans, other.bans),
            (&mut self.readmissions, other.readmissions),
            (&mut self.freezes, other.freezes),
            (&mut self.rotations, other.rotations),
            (&mut self.unfit, other.unfit),
            (&mut self.lines, other.lines),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum += more);
    }

    /// Everything that was done to machines and to what is between them.
    pub fn faults(&self) -> u64 {
        self.kills
            + self.power_cuts
            + self.cuts
            + self.holds
            + self.datagrams
            + self.slow_disks
            + self.clock_jumps
            + self.reboots
    }
}

/// One line of a campaign.
impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = std::time::Duration::from_millis(self.mesh_ms).as_secs_f64() / 3600.0;
        write!(formatter, "{} meshes of {} nodes, {hours:.2} mesh-hours: ", self.meshes, self.nodes)?;
        write!(
            formatter,
            "{} questions ({} changes acknowledged, {} values given out, {} refusals, {} lost), {} bans, {} readmissions, \
             {} freezes, {} rotations; ",
            self.asked,
            self.acknowledged,
            self.given,
            self.refused,
            self.lost,
            self.bans,
            self.readmissions,
            self.freezes,
            self.rotations
        )?;
        write!(
            formatter,
            "{} faults: {} kills, {} power cuts ({} torn writes), {} cuts, {} holds, {} datagrams lost, doubled or overtaken, \
             {} slow disks, {} clocks set, {} reboots; {} nodes unfit; {} lines of journals found",
            self.faults(),
            self.kills,
            self.power_cuts,
            self.torn_writes,
            self.cuts,
            self.holds,
            self.datagrams,
            self.slow_disks,
            self.clock_jumps,
            self.reboots,
            self.unfit,
            self.lines
        )
    }
}
