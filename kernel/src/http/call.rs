//! A request on its way to a use case.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::entity::PostAnswer;
use super::once::Once;
use crate::authentication::NotAuthenticated;
use crate::command::Command;
use crate::domain::Secret;
use crate::idempotency::Answer;
use crate::message::{Caller, Message, RequestId, TraceParent};
use crate::permission::{Access, Permission};
use crate::plugin::Application;
use crate::problem::{Failure, Internal, NotFound};
use crate::query::Query;

/// Where a request comes from. The host's outermost middleware puts it into the request.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who asks.
    pub caller: Caller,
    /// The id of the request.
    pub request_id: RequestId,
    /// The trace it is part of.
    pub traceparent: Option<TraceParent>,
    /// Where it comes from, behind the proxies that are trusted.
    pub address: Option<IpAddr>,
    /// What showed who asks, to be looked at once more when the body has arrived.
    pub token: Option<Secret>,
}

/// The id of an entity that was answered.
pub fn id_in<I: DeserializeOwned>(answered: &Value) -> Option<I> {
    I::deserialize(&answered["id"]).ok()
}

/// How it is seen whether a caller may still see what they were answered.
pub struct Look<Q> {
    query: Q,
    part: Option<&'static str>,
}

impl<Q> Look<Q> {
    /// By the entity itself, as the caller gets to see it now.
    pub fn at(query: Q) -> Self {
        Self { query, part: None }
    }

    /// By the whole that it is a part of: they must get to see this part of it. (The part itself may be gone by now.)
    pub fn at_part(query: Q, part: &'static str) -> Self {
        Self { query, part: Some(part) }
    }
}

/// Extractor: takes a use case to its bus, with all that must travel with it.
pub struct Call {
    application: web::Data<Application>,
    origin: Origin,
}

impl Call {
    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.origin.caller
    }

    /// Goes on only if the caller may do this to some object at all: for what no command or query is about.
    pub async fn permit(&self, needs: Permission) -> Result<(), Failure> {
        let checker = self.application.permissions.as_ref();
        Access::require(checker, self.caller(), needs, &[]).await.map(drop)
    }

    /// Carries out a command.
    pub async fn dispatch<C: Command>(self, command: C) -> Result<C::Output, Failure> {
        self.still_asked().await?;
        let message = self.message();
        self.application.commands.dispatch(command, message).await
    }

    /// Carries out a command that came by POST, once if its sender asked for that. `answer` makes of its output what is
    /// answered. What was answered before is answered again only as far as the caller may see it now: `look` makes the query
    /// for it of what was answered.
    pub async fn dispatch_once<C, A, Q>(
        self,
        once: Once,
        command: C,
        answer: impl Fn(C::Output) -> A + Send + Sync + 'static,
        look: impl FnOnce(&Value) -> Option<Look<Q>>,
    ) -> Result<Answer, Failure>
    where
        C: Command,
        A: PostAnswer,
        Q: Query<Output: Serialize>,
    {
        self.still_asked().await?;
        let message = self.message();
        let Some(request) = once.0 else {
            return answer(self.application.commands.dispatch(command, message).await?).render();
        };
        let render = move |output| answer(output).render();
        let commands = &self.application.commands;
        let given = commands.dispatch_once(command, message.clone(), request, render).await?;
        if !given.replayed {
            return Ok(given);
        }
        let stored = given.json()?;
        let look = look(&stored).ok_or_else(|| Internal("an answer is stored without its id".to_owned()))?;
        let seen = self.application.queries.ask(look.query, message).await?;
        let seen = serde_json::to_value(seen).map_err(|error| Internal(error.to_string()))?;
        match look.part {
            None => given.limited_to(&seen),
            Some(part) if seen.get(part).is_some() => Ok(given),
            Some(_) => Err(NotFound.into()),
        }
    }

    /// Answers a query.
    pub async fn ask<Q: Query>(self, query: Q) -> Result<Q::Output, Failure> {
        let message = self.message();
        self.application.queries.ask(query, message).await
    }

    /// Goes on only if it is still so who asks: the body may have taken its time to arrive, and what showed it may have ended.
    async fn still_asked(&self) -> Result<(), Failure> {
        let (Some(verifier), Some(token)) = (&self.application.token_verifier, &self.origin.token) else {
            return Ok(());
        };
        let caller = verifier.verify(token.expose()).await?;
        if caller.as_ref() == Some(&self.origin.caller) { Ok(()) } else { Err(NotAuthenticated.into()) }
    }

    /// Its time is that of the dispatch: the body of the request may have taken its time to arrive.
    fn message(&self) -> Message {
        let Origin { caller, request_id, traceparent, address, .. } = self.origin.clone();
        Message::new(caller, request_id, traceparent, self.application.clock().now()).from(address)
    }

    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let application = request
            .app_data::<web::Data<Application>>()
            .ok_or_else(|| Internal("the HTTP server was started without an application".to_owned()))?;
        let origin =
            request.extensions().get::<Origin>().cloned().ok_or_else(|| {
                Internal("the request came past the middleware that says who asks".to_owned())
            })?;
        Ok(Self { application: application.clone(), origin })
    }
}

impl FromRequest for Call {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
