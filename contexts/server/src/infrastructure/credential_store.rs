//! Credentials, written as the events of their server tell.

use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use servertree_kernel::criteria::fold;
use servertree_kernel::domain::{IpAddress, Secret, WriteUow};
use servertree_kernel::secrets::{KeyId, Sealed, SecretColumn, Secrets};
use sqlx::FromRow;

use super::credential_row::ServerCredentials;
use crate::domain::{Credential, CredentialId, Password, Port, ServerEvent, ServerId};
use crate::error::Error;

/// Where passwords are.
pub const PASSWORD: SecretColumn = SecretColumn { table: "server_credentials", field: "password" };

/// What a credential is made of but its password.
const SPECIFICATION: [ServerCredentials; 9] = [
    ServerCredentials::ConnectionType,
    ServerCredentials::Username,
    ServerCredentials::UsernameKey,
    ServerCredentials::LocalIp,
    ServerCredentials::LocalIpKey,
    ServerCredentials::LocalPort,
    ServerCredentials::PublicIp,
    ServerCredentials::PublicIpKey,
    ServerCredentials::PublicPort,
];

const SEALED: [ServerCredentials; 2] = [ServerCredentials::PasswordKey, ServerCredentials::PasswordSealed];

/// Does to the rows what the events say happened to the credentials of a server; those that are new in one statement.
pub(super) async fn apply(
    server: ServerId,
    events: &[ServerEvent],
    secrets: &dyn Secrets,
    uow: &mut WriteUow,
) -> Result<(), Error> {
    let mut added = Vec::new();
    for event in events {
        match event {
            ServerEvent::CredentialAdded { credential } => added.push(credential),
            ServerEvent::CredentialChanged { credential, .. } => change(credential, secrets, uow).await?,
            ServerEvent::CredentialRemoved { credential } => remove(credential.id, uow).await?,
            _ => {}
        }
    }
    add(server, &added, secrets, uow).await
}

/// The password of a credential that has one.
pub(super) async fn password(
    id: CredentialId,
    secrets: &dyn Secrets,
    uow: &mut WriteUow,
) -> Result<Secret, Error> {
    let row: Option<SealedRow> = uow.fetch_optional(&SealedRow::select(id)).await?;
    let row = row.ok_or(Error::NoCredential(id))?;
    let (Some(key), Some(bytes)) = (row.password_key, row.password_sealed) else {
        return Err(Error::NoPassword(id));
    };
    let key = KeyId::parse(&key).map_err(|_| Error::CorruptCredential {
        id,
        field: "password_key",
        fault: "is no id of a key".to_owned(),
    })?;
    Ok(secrets.open(PASSWORD, id.into(), &Sealed { key, bytes }).await?)
}

#[derive(FromRow)]
struct SealedRow {
    password_key: Option<String>,
    password_sealed: Option<Vec<u8>>,
}

impl SealedRow {
    fn select(id: CredentialId) -> SelectStatement {
        Query::select()
            .columns(SEALED)
            .from(ServerCredentials::Table)
            .and_where(Expr::col(ServerCredentials::Id).eq(id))
            .take()
    }
}

async fn add(
    server: ServerId,
    credentials: &[&Credential],
    secrets: &dyn Secrets,
    uow: &mut WriteUow,
) -> Result<(), Error> {
    if credentials.is_empty() {
        return Ok(());
    }
    let identity = [ServerCredentials::ServerId, ServerCredentials::Id];
    let mut insert = Query::insert()
        .into_table(ServerCredentials::Table)
        .columns(identity.into_iter().chain(SPECIFICATION).chain(SEALED))
        .take();
    for credential in credentials {
        let identity: [Expr; 2] = [server.into(), credential.id.into()];
        let sealed = sealed(credential, secrets, uow).await?.unwrap_or_else(nothing);
        insert.values_panic(identity.into_iter().chain(specification(credential)).chain(sealed));
    }
    uow.execute(&insert).await?;
    Ok(())
}

async fn change(credential: &Credential, secrets: &dyn Secrets, uow: &mut WriteUow) -> Result<(), Error> {
    let mut update = Query::update()
        .table(ServerCredentials::Table)
        .values(SPECIFICATION.into_iter().zip(specification(credential)))
        .and_where(Expr::col(ServerCredentials::Id).eq(credential.id))
        .take();
    if let Some(sealed) = sealed(credential, secrets, uow).await? {
        update.values(SEALED.into_iter().zip(sealed));
    }
    uow.execute(&update).await?;
    Ok(())
}

async fn remove(id: CredentialId, uow: &mut WriteUow) -> Result<(), Error> {
    let delete = Query::delete()
        .from_table(ServerCredentials::Table)
        .and_where(Expr::col(ServerCredentials::Id).eq(id))
        .take();
    uow.execute(&delete).await?;
    Ok(())
}

/// The values of [`SPECIFICATION`].
fn specification(credential: &Credential) -> [Expr; SPECIFICATION.len()] {
    let specification = &credential.specification;
    let text = |address: Option<IpAddress>| address.map(|address| address.to_string()).into();
    let key = |address: Option<IpAddress>| address.map(IpAddress::sort_key).into();
    let number = |port: Option<Port>| port.map(Port::get).into();
    [
        specification.connection_type.as_str().into(),
        specification.username.as_str().into(),
        fold(specification.username.as_str()).into(),
        text(specification.local_ip),
        key(specification.local_ip),
        number(specification.local_port),
        text(specification.public_ip),
        key(specification.public_ip),
        number(specification.public_port),
    ]
}

/// The values of [`SEALED`]; none if what is stored is to stay.
async fn sealed(
    credential: &Credential,
    secrets: &dyn Secrets,
    uow: &mut WriteUow,
) -> Result<Option<[Expr; SEALED.len()]>, Error> {
    match &credential.password {
        Password::Stored => Ok(None),
        Password::None => Ok(Some(nothing())),
        Password::New(secret) => {
            let sealed = secrets.seal(PASSWORD, credential.id.into(), secret, uow).await?;
            Ok(Some([sealed.key.as_str().into(), sealed.bytes.into()]))
        }
    }
}

fn nothing() -> [Expr; SEALED.len()] {
    [Expr::null(), Expr::null()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use servertree_kernel::clock::Clock;
    use servertree_kernel::secrets::{KeyError, Rotation};
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::register_server::RegisterServer;
    use crate::application::reveal_credential::RevealCredential;
    use crate::domain::samples::{credential, draft};
    use crate::domain::{CredentialDrafts, RevealReason, ServerDraft};

    /// A rotation that stood still while others went on must not take back what they did.
    #[tokio::test]
    async fn an_overtaken_rotation_ends() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let ssh = json!({"connection_type": "ssh", "username": "root", "password": "hunter2"});
        let credentials = CredentialDrafts::Replace((0..3).map(|_| credential(ssh.clone())).collect());
        let registered = RegisterServer { draft: ServerDraft { credentials, ..draft("web-1") } };
        let server = test.dispatch(registered).await.unwrap();
        let begin = async || {
            Rotation::begin(&test.database, &test.keyring, vec![PASSWORD], test.clock.now()).await.unwrap()
        };
        let slow = begin().await;
        let resumed = begin().await;
        assert_eq!(resumed.active(), slow.active(), "what was begun is gone on with");
        assert_eq!(resumed.run(|_| {}).await.unwrap().progress.done, 3);
        let next = begin().await;
        assert_ne!(next.active(), slow.active());
        assert!(matches!(slow.run(|_| {}).await, Err(KeyError::Overtaken)));
        let rotated = next.run(|_| {}).await.unwrap();
        assert_eq!((rotated.progress.done, rotated.retired.len()), (3, 1));
        for credential in server.shown_credentials() {
            let reason = RevealReason::parse("test".to_owned()).unwrap();
            let reveal = RevealCredential { server: server.id, credential: credential.id, reason };
            assert_eq!(test.dispatch(reveal).await.unwrap().expose(), "hunter2");
        }
        test.finish().await;
    }
}
