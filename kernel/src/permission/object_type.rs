//! Types of objects, as contexts declare them: what can be done to them, and what conditions of grants can be about.

use super::Permission;
use crate::criteria::Field;
use crate::event::operations;
use crate::metrics;
use crate::plugin::Registered;

/// A type of object that permissions are about.
#[derive(Debug)]
pub struct ObjectType {
    /// Its name: `server`; a part of one after a dot: `server.credential`.
    pub name: &'static str,
    /// What can be done to it.
    pub actions: &'static [&'static str],
    /// The fields that a condition can name: those of the whole, for a part.
    pub fields: &'static [Field],
    /// Who is meant to have to do with it.
    pub audience: Audience,
}

/// Who is meant to have to do with objects of a type: decides what the built-in roles hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The inventory: viewers read it, operators write it.
    Inventory,
    /// What of the inventory is confidential: for operators only.
    Confidential,
    /// How the service runs: for admins, and for own roles that are given it.
    Operation,
    /// Who may do what: for admins alone.
    Administration,
    /// One's own account: for everybody who has one.
    Account,
}

impl ObjectType {
    /// Those of the service itself, which are no context's. One more is a line here.
    pub const OF_THE_SERVICE: &'static [Self] = &[operations::OBJECT, metrics::OBJECT];

    /// Those of the service itself, and of all contexts in this program, enabled or not: a context can run as a service of its
    /// own, and those that know the grants decide about its objects all the same.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let of_contexts =
            inventory::iter::<Registered>.into_iter().flat_map(|registered| registered.0.objects);
        Self::OF_THE_SERVICE.iter().chain(of_contexts)
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|object_type| object_type.name == name)
    }

    /// What can be done to it, as permissions.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> + use<> {
        let object_type = self.name;
        self.actions.iter().map(move |action| Permission::new(action, object_type))
    }
}
