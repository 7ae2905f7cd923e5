//! Tokens, written and read.

use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use servertree_kernel::domain::{Timestamp, WriteUow};
use shaku::Component;
use sqlx::FromRow;

use super::changes::tell;
use super::tables::{AuthorizationTokens, AuthorizationUsers};
use crate::application::remembered::{Forgotten, Remembered};
use crate::domain::{Token, TokenHash, TokenId, TokenName, TokenState, Tokens, UserId, Username};
use crate::error::Error;

/// Keeps tokens in the table `authorization_tokens`.
#[derive(Component)]
#[shaku(interface = Tokens)]
pub struct SqlTokens {
    #[shaku(inject)]
    remembered: Arc<dyn Remembered>,
}

#[derive(FromRow)]
struct TokenRow {
    id: TokenId,
    user_id: UserId,
    username: String,
    name: String,
    hash: Vec<u8>,
    read_only: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl TokenRow {
    fn select() -> SelectStatement {
        use AuthorizationTokens::{CreatedAt, ExpiresAt, Hash, Id, Name, ReadOnly, Table, UserId};
        let columns = [Id, UserId, Name, Hash, ReadOnly, CreatedAt, ExpiresAt];
        let of_token =
            Expr::col((AuthorizationUsers::Table, AuthorizationUsers::Id)).eq(Expr::col((Table, UserId)));
        Query::select()
            .columns(columns.map(|column| (Table, column)))
            .column((AuthorizationUsers::Table, AuthorizationUsers::Username))
            .from(Table)
            .inner_join(AuthorizationUsers::Table, of_token)
            .take()
    }

    fn into_token(self) -> Result<Token, Error> {
        let corrupt = |fault: String| Error::Corrupt(fault);
        let hash = self.hash.try_into().map_err(|_| corrupt("the hash of a token".to_owned()))?;
        let state = TokenState {
            id: self.id,
            user: self.user_id,
            username: Username::parse(self.username).map_err(|fault| corrupt(fault.to_string()))?,
            name: TokenName::parse(self.name).map_err(|fault| corrupt(fault.to_string()))?,
            hash: TokenHash(hash),
            read_only: self.read_only,
            created_at: self.created_at,
            expires_at: self.expires_at,
        };
        Ok(Token::stored(state))
    }
}

#[async_trait]
impl Tokens for SqlTokens {
    async fn get(&self, id: TokenId, uow: &mut WriteUow) -> Result<Token, Error> {
        let of_id = Expr::col((AuthorizationTokens::Table, AuthorizationTokens::Id)).eq(id);
        let row: Option<TokenRow> = uow.fetch_optional(&TokenRow::select().and_where(of_id).take()).await?;
        row.ok_or(Error::NotFound)?.into_token()
    }

    async fn of_user(&self, user: UserId, uow: &mut WriteUow) -> Result<Vec<Token>, Error> {
        let select = TokenRow::select()
            .and_where(Expr::col((AuthorizationTokens::Table, AuthorizationTokens::UserId)).eq(user))
            .order_by((AuthorizationTokens::Table, AuthorizationTokens::Id), Order::Asc)
            .take();
        let rows: Vec<TokenRow> = uow.fetch_all(&select).await?;
        rows.into_iter().map(TokenRow::into_token).collect()
    }

    async fn insert(&self, token: &mut Token, uow: &mut WriteUow) -> Result<(), Error> {
        use AuthorizationTokens::{CreatedAt, ExpiresAt, Hash, Id, Name, ReadOnly, Table, UserId};
        let state = token.state();
        let insert = Query::insert()
            .into_table(Table)
            .columns([Id, UserId, Name, Hash, ReadOnly, CreatedAt, ExpiresAt])
            .values_panic([
                state.id.into(),
                state.user.into(),
                state.name.as_str().into(),
                state.hash.0.to_vec().into(),
                state.read_only.into(),
                state.created_at.into(),
                state.expires_at.into(),
            ])
            .take();
        uow.execute(&insert).await?;
        Ok(uow.record(token)?)
    }

    async fn remove(&self, token: &mut Token, uow: &mut WriteUow) -> Result<(), Error> {
        let id = token.state().id;
        let delete = Query::delete()
            .from_table(AuthorizationTokens::Table)
            .and_where(Expr::col(AuthorizationTokens::Id).eq(id))
            .take();
        if uow.execute(&delete).await? != 1 {
            return Err(Error::NotFound);
        }
        tell(Forgotten::Token(id), &self.remembered, uow).await?;
        Ok(uow.record(token)?)
    }
}
