//! That nothing passes for an access token but what we made, for whom it was made, while it is good.

use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::plugin::Context;
use servertree_kernel::problem::Failure;
use servertree_kernel::testkit::Testbed;

use super::*;
use crate::CONTEXT;
use crate::testing::{PASSWORD, log_in, operator, somebody, verify};

/// Signs whatever it is given, with the key that signs access tokens: what nobody but a test can.
#[derive(Clone)]
struct Sign {
    header: serde_json::Value,
    payload: serde_json::Value,
}

impl Command for Sign {
    type Output = String;
    const NAME: &'static str = "signing.sign";
    const NEEDS: Permission = Permission::LOCAL;
}

struct Signing(Arc<dyn Secrets>);

static SIGNING: Context = Context {
    name: "signing",
    summary: "Signs",
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: &[],
    open: &[],
    objects: &[],
    sections: &[],
    secrets: &[],
    migrations: servertree_kernel::database::Migrations { owner: "signing", folder: &NO_TABLES },
    register: |kernel, registry| {
        let secrets: Arc<dyn Secrets> = shaku::HasComponent::resolve(kernel.as_ref());
        registry.command::<Sign>(Arc::new(Signing(secrets)));
    },
};

static NO_TABLES: include_dir::Dir<'static> = include_dir::Dir::new("", &[]);

#[async_trait]
impl CommandHandler<Sign> for Signing {
    async fn handle(&self, command: Sign, uow: &mut WriteUow, _: &Message) -> Result<String, Failure> {
        let signer = self.0.token_signer(uow).await?;
        let mut header = command.header;
        if header["kid"].is_null() {
            header["kid"] = signer.key().as_str().into();
        }
        let signed = format!("{}.{}", encode(&header)?, encode(&command.payload)?);
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()));
        Ok(format!("{signed}.{signature}"))
    }
}

async fn signed(test: &Testbed, header: serde_json::Value, payload: serde_json::Value) -> String {
    test.dispatch_as(&operator(), Sign { header, payload }).await.unwrap()
}

fn part(token: &str, number: usize) -> serde_json::Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// What follows from the row: a change of the header, one of the claims.
type Row = (&'static str, fn(&mut serde_json::Value, &mut serde_json::Value));

#[tokio::test]
async fn what_was_not_made_for_us_is_no_token() {
    let test = Testbed::of(&[&CONTEXT, &SIGNING]).start().await;
    somebody(&test, "ada", &[]).await;
    let token = log_in(&test, "ada", PASSWORD).await.unwrap().access_token.expose().to_owned();
    let (header, payload) = (part(&token, 0), part(&token, 1));
    // The control: signed anew as it was, it is good.
    let same = signed(&test, header.clone(), payload.clone()).await;
    assert_eq!(verify(&test, &same).await.unwrap().subject(), "ada");
    let rows: [Row; 14] = [
        ("no algorithm", |header, _| header["alg"] = "none".into()),
        ("another algorithm", |header, _| header["alg"] = "HS256".into()),
        ("another case", |header, _| header["alg"] = "eddsa".into()),
        ("another type", |header, _| header["typ"] = "JWT".into()),
        ("an unknown key", |header, _| header["kid"] = "token-20260131-00000000".into()),
        ("a key of another purpose", |header, _| header["kid"] = "../keys/pepper".into()),
        ("something critical", |header, _| header["crit"] = serde_json::json!(["exp"])),
        ("a key of its own", |header, _| header["jwk"] = serde_json::json!({})),
        ("another issuer", |_, payload| payload["iss"] = "somebody".into()),
        ("for others", |_, payload| payload["aud"] = "others".into()),
        ("expired", |_, payload| payload["exp"] = payload["iat"].clone()),
        ("not yet good", |_, payload| payload["nbf"] = (payload["nbf"].as_i64().unwrap() + 60).into()),
        ("no session", |_, payload| payload["sid"] = "00000000-0000-7000-8000-000000000000".into()),
        ("without an end", |_, payload| drop(payload.as_object_mut().unwrap().remove("exp"))),
    ];
    for (what, change) in rows {
        let (mut header, mut payload) = (header.clone(), payload.clone());
        change(&mut header, &mut payload);
        let token = signed(&test, header, payload).await;
        assert_eq!(verify(&test, &token).await, None, "{what}");
    }
    let pieces: Vec<&str> = token.split('.').collect();
    let unsigned = format!("{}.{}.", pieces[0], pieces[1]);
    let mut altered = payload.clone();
    altered["exp"] = (payload["exp"].as_i64().unwrap() + 1).into();
    let altered = format!("{}.{}.{}", pieces[0], encode(&altered).unwrap(), pieces[2]);
    let long = format!("{token}{}", "A".repeat(MAX_LENGTH));
    for bad in [
        unsigned,
        altered,
        long,
        String::new(),
        "..".to_owned(),
        token[..token.len() - 2].to_owned(),
        format!("{token}."),
    ] {
        assert_eq!(verify(&test, &bad).await, None, "{bad}");
    }
    assert!(verify(&test, &token).await.is_some(), "the token itself is as good as before");
    test.finish().await;
}

#[tokio::test]
async fn it_is_good_for_a_quarter_of_an_hour() {
    let test = Testbed::of(&[&CONTEXT]).start().await;
    somebody(&test, "ada", &[]).await;
    let logged_in = log_in(&test, "ada", PASSWORD).await.unwrap();
    let token = logged_in.access_token.expose();
    assert!(verify(&test, token).await.is_some());
    test.clock.set(logged_in.expires_at.before(std::time::Duration::from_micros(1)));
    assert!(verify(&test, token).await.is_some());
    test.clock.set(logged_in.expires_at);
    assert!(verify(&test, token).await.is_none(), "also where it is remembered");
    test.finish().await;
}
