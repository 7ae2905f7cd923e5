//! The credentials of one server: what may become of them, told as events.

use servertree_kernel::domain::Changes;
use servertree_kernel::fields::{FieldError, InvalidFields};

use super::credential::{Credential, CredentialDraft, CredentialId, Password, PasswordDraft};
use super::draft::CredentialDrafts;
use super::server::ServerEvent;
use crate::error::Error;

/// Credentials of one server at most.
const MAX_CREDENTIALS: usize = 100;

/// The credentials of one server, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Vec<Credential>);

impl Credentials {
    /// As they are stored.
    pub fn stored(credentials: Vec<Credential>) -> Self {
        Self(credentials)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.0.iter()
    }

    /// The one with this id.
    pub fn get(&self, id: CredentialId) -> Result<&Credential, Error> {
        self.0.iter().find(|credential| credential.id == id).ok_or(Error::NoCredential(id))
    }

    /// Replaces them, if anything is said of them: those that are not named go, those that are named change, those without an
    /// id are new.
    pub fn replace(
        &mut self,
        drafts: CredentialDrafts,
        mut next_id: impl FnMut() -> CredentialId,
    ) -> Result<Vec<ServerEvent>, Error> {
        let CredentialDrafts::Replace(drafts) = drafts else { return Ok(Vec::new()) };
        self.check(&drafts)?;
        let is_named = |id| drafts.iter().any(|draft| draft.id == Some(id));
        let gone: Vec<CredentialId> = self.0.iter().map(|old| old.id).filter(|id| !is_named(*id)).collect();
        let mut events = Vec::new();
        for id in gone {
            events.push(self.remove(id)?);
        }
        for draft in drafts {
            match draft.id {
                Some(id) => events.extend(self.change(id, draft)?),
                None => events.push(self.add(draft, next_id())?),
            }
        }
        Ok(events)
    }

    /// One more.
    pub fn add(&mut self, draft: CredentialDraft, id: CredentialId) -> Result<ServerEvent, Error> {
        if draft.id.is_some() {
            return Err(fault("id", "unexpected", "must not be given: a new credential gets its own"));
        }
        if self.0.len() >= MAX_CREDENTIALS {
            return Err(too_many());
        }
        let (specification, draft) = draft.split();
        let password = match draft {
            PasswordDraft::Set(secret) => Password::New(secret),
            PasswordDraft::Keep | PasswordDraft::Remove => Password::None,
        };
        let credential = Credential { id, specification, password };
        self.0.push(credential.clone());
        Ok(ServerEvent::CredentialAdded { credential })
    }

    /// Another specification, another password, or neither.
    pub fn change(&mut self, id: CredentialId, draft: CredentialDraft) -> Result<Option<ServerEvent>, Error> {
        let credential =
            self.0.iter_mut().find(|credential| credential.id == id).ok_or(Error::NoCredential(id))?;
        let (specification, draft) = draft.split();
        let had_password = credential.password.is_some();
        let password_changed = match draft {
            PasswordDraft::Keep => false,
            PasswordDraft::Remove => {
                credential.password = Password::None;
                had_password
            }
            PasswordDraft::Set(secret) => {
                credential.password = Password::New(secret);
                true
            }
        };
        let (old, new) = (&credential.specification, &specification);
        let changes = Changes::default()
            .compare("connection_type", &old.connection_type, &new.connection_type)
            .compare("username", &old.username, &new.username)
            .compare("has_password", &had_password, &credential.password.is_some())
            .compare("local_ip", &old.local_ip, &new.local_ip)
            .compare("local_port", &old.local_port, &new.local_port)
            .compare("public_ip", &old.public_ip, &new.public_ip)
            .compare("public_port", &old.public_port, &new.public_port);
        if changes.is_empty() && !password_changed {
            return Ok(None);
        }
        credential.specification = specification;
        let credential = credential.clone();
        Ok(Some(ServerEvent::CredentialChanged { credential, changes, password_changed }))
    }

    /// One less. What it was is forgotten, its password, too.
    pub fn remove(&mut self, id: CredentialId) -> Result<ServerEvent, Error> {
        let position =
            self.0.iter().position(|credential| credential.id == id).ok_or(Error::NoCredential(id))?;
        Ok(ServerEvent::CredentialRemoved { credential: self.0.remove(position) })
    }

    /// All that can be wrong with drafts as a whole, before any of it is done.
    fn check(&self, drafts: &[CredentialDraft]) -> Result<(), Error> {
        if drafts.len() > MAX_CREDENTIALS {
            return Err(too_many());
        }
        let mut faults = Vec::new();
        for (position, draft) in drafts.iter().enumerate() {
            let Some(id) = draft.id else { continue };
            let field = format!("credentials.{position}.id");
            if self.get(id).is_err() {
                let message = "is no credential of this server; leave it out for a new one".to_owned();
                faults.push(FieldError { field, code: "unknown_value", message });
            } else if drafts[..position].iter().any(|earlier| earlier.id == Some(id)) {
                faults.push(FieldError { field, code: "repeated", message: "is there twice".to_owned() });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Fields(InvalidFields(faults))) }
    }
}

fn too_many() -> Error {
    fault("credentials", "too_many", &format!("may be {MAX_CREDENTIALS} of one server"))
}

fn fault(field: &str, code: &'static str, message: &str) -> Error {
    Error::Fields(InvalidFields(vec![FieldError {
        field: field.to_owned(),
        code,
        message: message.to_owned(),
    }]))
}
