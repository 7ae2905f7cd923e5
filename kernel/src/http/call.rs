//! A request on its way to a use case.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::entity::PostAnswer;
use super::once::Once;
use crate::command::Command;
use crate::idempotency::Answer;
use crate::message::{Caller, Message, RequestId, TraceParent};
use crate::plugin::Application;
use crate::problem::{Failure, Internal};
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
}

/// Extractor: takes a use case to its bus, with all that must travel with it.
pub struct Call {
    application: web::Data<Application>,
    origin: Origin,
}

impl Call {
    /// Carries out a command.
    pub async fn dispatch<C: Command>(self, command: C) -> Result<C::Output, Failure> {
        let message = self.message();
        self.application.commands.dispatch(command, message).await
    }

    /// Carries out a command that came by POST, once if its sender asked for that. `answer` makes of its output what is
    /// answered.
    pub async fn dispatch_once<C: Command, A: PostAnswer>(
        self,
        once: Once,
        command: C,
        answer: impl FnOnce(C::Output) -> A + Send + 'static,
    ) -> Result<Answer, Failure> {
        let message = self.message();
        match once.0 {
            Some(request) => {
                let render = |output| answer(output).render();
                self.application.commands.dispatch_once(command, message, request, render).await
            }
            None => answer(self.application.commands.dispatch(command, message).await?).render(),
        }
    }

    /// Answers a query.
    pub async fn ask<Q: Query>(self, query: Q) -> Result<Q::Output, Failure> {
        let message = self.message();
        self.application.queries.ask(query, message).await
    }

    /// Its time is that of the dispatch: the body of the request may have taken its time to arrive.
    fn message(&self) -> Message {
        let Origin { caller, request_id, traceparent } = self.origin.clone();
        Message::new(caller, request_id, traceparent, self.application.clock().now())
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
