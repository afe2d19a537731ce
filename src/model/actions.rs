//! The one table of what can be asked: 6 categories, 14 capabilities, 41 actions.
//!
//! The enums are made from the table, so an action that is not in the table does not exist. Texts are written out and
//! never reused: grants and audit lines hold them.

macro_rules! actions {
    ($($category:ident $category_text:literal {
        $($capability:ident $capability_text:literal { $($action:ident $text:literal),+ $(,)? })+
    })+) => {
        /// A family of capabilities.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Category {
            $(#[doc = concat!("`", $category_text, "`")] $category,)+
        }

        /// What a grant gives: a group of actions that make sense together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Capability {
            $($(#[doc = concat!("`", $capability_text, "`")] $capability,)+)+
        }

        /// One thing that can be asked of a node.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($($(#[doc = concat!("`", $text, "`")] $action,)+)+)+
        }

        impl Category {
            /// Every category, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$category),+];

            /// The word for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$category => $category_text),+ }
            }
        }

        impl Capability {
            /// Every capability, in the order of the table.
            pub const ALL: &[Self] = &[$($(Self::$capability),+),+];

            /// The text that grants hold: `data_read`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($(Self::$capability => $capability_text),+),+ }
            }

            /// The category it belongs to.
            #[must_use]
            pub fn category(self) -> Category {
                match self { $($(Self::$capability => Category::$category),+),+ }
            }
        }

        impl Action {
            /// Every action, in the order of the table.
            pub const ALL: &[Self] = &[$($($(Self::$action),+),+),+];

            /// The text that audit lines hold: `secret.read`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($($(Self::$action => $text),+),+),+ }
            }

            /// The capability that allows it.
            #[must_use]
            pub fn capability(self) -> Capability {
                match self { $($($(Self::$action => Capability::$capability),+),+),+ }
            }
        }
    };
}

actions! {
    Workflow "workflow" {
        WorkflowRead "workflow_read" {
            WorkflowList "workflow.list", WorkflowGet "workflow.get", WorkflowRuns "workflow.runs",
        }
        WorkflowManage "workflow_manage" {
            WorkflowCreate "workflow.create", WorkflowUpdate "workflow.update",
            WorkflowDelete "workflow.delete", WorkflowSchedule "workflow.schedule",
        }
        WorkflowExecute "workflow_execute" {
            WorkflowExecute "workflow.execute", WorkflowCancel "workflow.cancel",
        }
    }
    Integration "integration" {
        IntegrationRead "integration_read" {
            IntegrationList "integration.list", IntegrationGet "integration.get",
            IntegrationHealth "integration.health", ProviderList "provider.list",
        }
        IntegrationManage "integration_manage" {
            IntegrationCreate "integration.create", IntegrationUpdate "integration.update",
            IntegrationDelete "integration.delete", BindingManage "binding.manage",
            CredentialValidate "credential.validate",
        }
        IntegrationExecute "integration_execute" {
            IntegrationExecute "integration.execute", CredentialApply "credential.apply",
        }
    }
    Data "data" {
        DataQuery "data_query" {
            SecretList "secret.list", SecretInfo "secret.info", SecretExplain "secret.explain",
        }
        DataRead "data_read" {
            SecretRead "secret.read", SecretExport "secret.export",
        }
        DataWrite "data_write" {
            SecretWrite "secret.write", SecretDelete "secret.delete",
            SecretRestore "secret.restore", SecretRotate "secret.rotate",
        }
    }
    Agent "agent" {
        AgentManage "agent_manage" {
            AgentCreate "agent.create", AgentUpdate "agent.update",
            AgentSuspend "agent.suspend", AgentKey "agent.key",
        }
        AgentImpersonate "agent_impersonate" {
            AgentImpersonate "agent.impersonate",
        }
    }
    Event "event" {
        EventPublish "event_publish" {
            EventPublish "event.publish",
        }
        EventSubscribe "event_subscribe" {
            EventList "event.list", EventSubscribe "event.subscribe",
        }
    }
    System "system" {
        SystemAdmin "system_admin" {
            NodeManage "node.manage", PolicyManage "policy.manage",
            AuditRead "audit.read", BackupManage "backup.manage",
        }
    }
}

impl Capability {
    /// Reads the text of a grant; `None` for a word that is not in the table, which grants nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|capability| capability.as_str() == text)
    }
}

impl Action {
    /// Reads the text of an action; `None` for a word that is not in the table.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_6_categories_14_capabilities_and_41_actions() {
        assert_eq!((Category::ALL.len(), Capability::ALL.len(), Action::ALL.len()), (6, 14, 41));
    }

    #[test]
    fn no_text_stands_twice_and_every_text_reads_back() {
        let texts: BTreeSet<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(texts.len(), Action::ALL.len());
        let texts: BTreeSet<&str> = Capability::ALL.iter().map(|capability| capability.as_str()).collect();
        assert_eq!(texts.len(), Capability::ALL.len());
        assert!(Action::ALL.iter().all(|&action| Action::parse(action.as_str()) == Some(action)));
        assert!(Capability::ALL.iter().all(|&capability| Capability::parse(capability.as_str()) == Some(capability)));
        assert_eq!(Action::parse("secret.steal"), None);
        assert_eq!(Capability::parse("data_*"), None);
    }

    #[test]
    fn every_capability_has_an_action_and_bears_the_name_of_its_category() {
        for &capability in Capability::ALL {
            assert!(Action::ALL.iter().any(|action| action.capability() == capability), "{capability:?}");
            assert!(capability.as_str().starts_with(capability.category().as_str()), "{capability:?}");
        }
    }

    #[test]
    fn reading_listing_and_writing_are_three_capabilities() {
        assert_eq!(Action::SecretRead.capability(), Capability::DataRead);
        assert_eq!(Action::SecretList.capability(), Capability::DataQuery);
        assert_eq!(Action::SecretWrite.capability(), Capability::DataWrite);
    }
}
