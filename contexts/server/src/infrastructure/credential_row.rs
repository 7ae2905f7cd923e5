//! A row of the table `server_credentials`, and its way to the aggregate and to the view.

use sea_query::{Expr, ExprTrait, Iden, SelectStatement};
use servertree_kernel::domain::{Invalid, IpAddress};
use sqlx::FromRow;

use super::server_row::Servers;
use crate::application::find_credential::CredentialView;
use crate::domain::{
    ConnectionType, Credential, CredentialId, CredentialSpecification, CredentialUsername, Password, Port,
    ServerId,
};
use crate::error::Error;

#[derive(Iden, Clone, Copy)]
pub(super) enum ServerCredentials {
    Table,
    ServerId,
    Id,
    ConnectionType,
    Username,
    UsernameKey,
    LocalIp,
    LocalIpKey,
    LocalPort,
    PublicIp,
    PublicIpKey,
    PublicPort,
    PasswordKey,
    PasswordSealed,
}

/// What a credential is read from. All of it is null where there is none.
#[derive(FromRow)]
pub(super) struct CredentialRow {
    credential_id: Option<CredentialId>,
    connection_type: Option<String>,
    username: Option<String>,
    local_ip: Option<String>,
    local_port: Option<i64>,
    public_ip: Option<String>,
    public_port: Option<i64>,
    has_password: Option<bool>,
}

impl CredentialRow {
    /// Adds the credentials of each server, with the columns that they are read from: a row for each, or one without.
    pub(super) fn join(select: &mut SelectStatement) -> &mut SelectStatement {
        let column = |column| (ServerCredentials::Table, column);
        let of_server = Expr::col(column(ServerCredentials::ServerId)).equals((Servers::Table, Servers::Id));
        select
            .left_join(ServerCredentials::Table, of_server)
            .columns([
                column(ServerCredentials::ConnectionType),
                column(ServerCredentials::Username),
                column(ServerCredentials::LocalIp),
                column(ServerCredentials::LocalPort),
                column(ServerCredentials::PublicIp),
                column(ServerCredentials::PublicPort),
            ])
            .expr_as(Expr::col(column(ServerCredentials::Id)), "credential_id")
            .expr_as(Expr::col(column(ServerCredentials::PasswordKey)).is_not_null(), "has_password")
    }

    /// Adds its columns to a select that has other rows.
    pub(super) fn nothing(select: &mut SelectStatement) -> &mut SelectStatement {
        let columns = [
            "connection_type",
            "username",
            "local_ip",
            "local_port",
            "public_ip",
            "public_port",
            "credential_id",
            "has_password",
        ];
        columns.into_iter().fold(select, |select, column| select.expr_as(Expr::null(), column))
    }

    /// The view; none where there is no credential.
    pub(super) fn into_view(self) -> Option<CredentialView> {
        Some(CredentialView {
            id: self.credential_id?,
            connection_type: self.connection_type?,
            username: self.username?,
            has_password: self.has_password?,
            local_ip: self.local_ip,
            local_port: self.local_port.and_then(in_16_bits),
            public_ip: self.public_ip,
            public_port: self.public_port.and_then(in_16_bits),
        })
    }

    /// The part of the aggregate `server`; none where there is no credential. Values are parsed again, as those of the
    /// server are.
    pub(super) fn into_credential(self, server: ServerId) -> Result<Option<Credential>, Error> {
        let (Some(id), Some(connection_type), Some(username)) =
            (self.credential_id, self.connection_type, self.username)
        else {
            return Ok(None);
        };
        let corrupt =
            |field| move |fault: Invalid| Error::Corrupt { id: server, field, fault: fault.to_string() };
        let ip = |field, text: Option<String>| {
            text.map(|text| IpAddress::parse(&text)).transpose().map_err(corrupt(field))
        };
        let port = |field, number: Option<i64>| {
            number.and_then(in_16_bits).map(Port::parse).transpose().map_err(corrupt(field))
        };
        let specification = CredentialSpecification {
            connection_type: ConnectionType::parse(connection_type).map_err(corrupt("connection_type"))?,
            username: CredentialUsername::parse(username).map_err(corrupt("username"))?,
            local_ip: ip("local_ip", self.local_ip)?,
            local_port: port("local_port", self.local_port)?,
            public_ip: ip("public_ip", self.public_ip)?,
            public_port: port("public_port", self.public_port)?,
        };
        let password = if self.has_password == Some(true) { Password::Stored } else { Password::None };
        Ok(Some(Credential { id, specification, password }))
    }
}

/// Ports are kept in columns of 64 bits: not every engine has narrow ones without a sign.
fn in_16_bits(number: i64) -> Option<u16> {
    u16::try_from(number).ok()
}
