//! The description of the events: AsyncAPI 3.0, from the manifests of the contexts.
//!
//! A channel is what an exchange is: the events of one aggregate, told apart by their names. What contexts here emit is sent,
//! what their subscribers take is received, whether it comes from here or from another process.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use servertree_kernel::event::{Envelope, EventType, SubscriptionType, aggregate_of};
use servertree_kernel::plugin::Context;

const DESCRIPTION: &str = "Whatever changes is told by an event: a CloudEvent of version 1.0 in JSON. Events are written in the same \
    transaction as the change, and delivered to each subscriber once, in the order of each aggregate (`subject`): by `revision`, \
    then `sequence`. Fields of `data` are added, but never change their meaning: take what you need and ignore the rest.";

/// Describes the events of these contexts.
pub fn describe(contexts: &[&'static Context]) -> Value {
    let events = Events::of(contexts);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "ServerTree",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": events.channels(),
        "operations": operations(contexts, &events),
        "components": {"messages": events.messages(), "schemas": events.schemas()},
    })
}

/// An event, as far as it is known here.
enum Event {
    /// A context here emits it.
    Emitted(&'static Context, EventType),
    /// A subscriber here takes it, and another process emits it.
    Taken(SubscriptionType),
}

/// All that are emitted or taken, by name.
struct Events(BTreeMap<&'static str, Event>);

impl Events {
    fn of(contexts: &[&'static Context]) -> Self {
        let taken = contexts.iter().flat_map(|context| context.subscriptions);
        let taken = taken.flat_map(|one| one.events.iter().map(|event| (*event, Event::Taken(*one))));
        let emitted =
            contexts.iter().flat_map(|context| context.events.iter().map(|event| (*context, *event)));
        let emitted = emitted.map(|(context, event)| (event.name, Event::Emitted(context, event)));
        // What is emitted here goes before what is said of it by those who take it.
        Self(taken.chain(emitted).collect())
    }

    fn names(&self, aggregate: &str) -> Vec<&'static str> {
        self.0.keys().copied().filter(|name| aggregate_of(name) == aggregate).collect()
    }

    fn aggregates(&self) -> BTreeSet<&'static str> {
        self.0.keys().map(|name| aggregate_of(name)).collect()
    }

    fn channels(&self) -> Map<String, Value> {
        let channel = |aggregate: &str| {
            let names = self.names(aggregate);
            let reference =
                |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/messages/{name}")}));
            json!({
                "address": "{type}",
                "title": format!("What happens to each {aggregate}"),
                "parameters": {"type": {
                    "description": "The name of the event: the routing key",
                    "enum": names,
                    "location": "$message.payload#/type",
                }},
                "messages": names.iter().map(reference).collect::<Map<_, _>>(),
                "bindings": {"amqp": {"is": "routingKey", "bindingVersion": "0.3.0", "exchange": {
                    "name": exchange_of(aggregate), "type": "topic", "durable": true, "autoDelete": false,
                }}},
            })
        };
        self.aggregates().into_iter().map(|aggregate| (exchange_of(aggregate), channel(aggregate))).collect()
    }

    /// The envelope, with what is this event's own.
    fn messages(&self) -> Map<String, Value> {
        let message = |(name, event): (&&str, &Event)| {
            let mut own =
                json!({"type": {"const": name}, "data": {"$ref": format!("#/components/schemas/{name}")}});
            let mut message = json!({"name": name, "title": name});
            if let Event::Emitted(context, event) = event {
                own["source"] = json!({"const": Envelope::source_of(context.name)});
                own["schemaversion"] = json!({"const": event.schema_version});
                message["summary"] = json!(event.summary());
            }
            let envelope = json!({"$ref": "#/components/schemas/Envelope"});
            message["payload"] = json!({"allOf": [envelope, {"type": "object", "properties": own}]});
            ((*name).to_owned(), message)
        };
        self.0.iter().map(message).collect()
    }

    /// Of the envelope, and of the `data` of each event.
    fn schemas(&self) -> Map<String, Value> {
        let schema = |(name, event): (&&str, &Event)| {
            let schema = match event {
                Event::Emitted(_, event) => event.schema(),
                Event::Taken(subscription) => subscription.schema(),
            };
            ((*name).to_owned(), schema)
        };
        let envelope = ("Envelope".to_owned(), Envelope::json_schema());
        std::iter::once(envelope).chain(self.0.iter().map(schema)).collect()
    }
}

/// What contexts send, and what their subscribers receive: by channel, since an operation has one.
fn operations(contexts: &[&'static Context], events: &Events) -> Map<String, Value> {
    let mut operations = Map::new();
    for context in contexts {
        let emitted: Vec<&str> = context.events.iter().map(|event| event.name).collect();
        for (aggregate, names) in by_aggregate(emitted) {
            let summary = format!("The context {} tells what happened", context.name);
            let key = format!("{}.{aggregate}.send", context.name);
            operations.insert(key, operation("send", aggregate, &names, &summary));
        }
        for subscription in context.subscriptions {
            let taken = events.0.keys().copied().filter(|event| subscription.takes(event)).collect();
            for (aggregate, names) in by_aggregate(taken) {
                let summary = format!("The subscriber {} takes it", subscription.name);
                let key = format!("{}.{aggregate}.receive", subscription.name);
                operations.insert(key, operation("receive", aggregate, &names, &summary));
            }
        }
    }
    operations
}

/// Where the events of an aggregate leave the process.
fn exchange_of(aggregate: &str) -> String {
    format!("{aggregate}.domain_events")
}

fn by_aggregate(names: Vec<&str>) -> BTreeMap<&str, Vec<&str>> {
    let mut by_aggregate: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        by_aggregate.entry(aggregate_of(name)).or_default().push(name);
    }
    by_aggregate
}

fn operation(action: &str, aggregate: &str, names: &[&str], summary: &str) -> Value {
    let channel = exchange_of(aggregate);
    let message = |name: &&str| json!({"$ref": format!("#/channels/{channel}/messages/{name}")});
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": summary,
        "messages": names.iter().map(message).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use servertree_kernel::database::Migrations;
    use servertree_kernel::event::{Start, Subscription};
    use servertree_kernel::glue::include_dir::Dir;
    use utoipa::ToSchema;

    use super::*;

    static NO_TABLES: Dir<'static> = Dir::new("", &[]);

    #[derive(Deserialize, ToSchema)]
    #[expect(dead_code, reason = "it is only described")]
    struct Named {
        name: String,
    }

    impl Subscription for Named {
        const NAME: &'static str = "listening.on_names";
        const EVENTS: &'static [&'static str] = &["server.discarded", "rack.named"];
        const START: Start = Start::Now;
    }

    static LISTENING: Context = Context {
        name: "listening",
        summary: "Takes events",
        migrations: Migrations { owner: "listening", folder: &NO_TABLES },
        routes: |_| {},
        events: &[],
        upcasters: &[],
        subscriptions: &[SubscriptionType::of::<Named>()],
        problems: &[],
        open: &[],
        objects: &[],
        sections: &[],
        secrets: &[],
        register: |_, _| {},
    };

    /// Also what another process emits: of that only what the subscriber reads is known.
    #[test]
    fn what_is_taken_is_received_wherever_it_comes_from() {
        let contexts: Vec<&'static Context> =
            Context::all().unwrap().into_iter().chain([&LISTENING]).collect();
        let described = describe(&contexts);
        let received = &described["operations"]["listening.on_names.rack.receive"];
        assert_eq!(received["action"], "receive");
        assert_eq!(
            received["messages"],
            json!([{"$ref": "#/channels/rack.domain_events/messages/rack.named"}])
        );
        assert_eq!(described["components"]["schemas"]["rack.named"]["required"], json!(["name"]));
        let server = &described["operations"]["listening.on_names.server.receive"];
        assert_eq!(
            server["messages"],
            json!([{"$ref": "#/channels/server.domain_events/messages/server.discarded"}])
        );
        // What a context here emits is described by that one.
        let discarded = &described["components"]["messages"]["server.discarded"];
        assert_eq!(
            discarded["payload"]["allOf"][1]["properties"]["source"],
            json!({"const": "/servertree/server"})
        );
    }
}
