//! Who is admitted, and who is kept out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

fn network(address: IpAddr) -> IpAddr {
    IpAddress::from(address).network().into()
}

const SECOND: Duration = Duration::from_secs(1);
const ACCOUNTS: [&str; 3] = ["maria", "pierre", "irene"];
const OTHERS: [&str; 3] = ["frederic", "eve", "helene"];
const HOME: &str = "198.51.100.7";
const OFFICE: &str = "2001:db8:0:1::7";
const ELSEWHERE: &str = "203.0.113.9";

fn start() -> Timestamp {
    Timestamp::from_micros(1_769_853_600_000_000)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// With the keys that the tests name in slots of their own: by chance two may share one.
fn attempts() -> MemoryAttempts {
    let are_apart = |attempts: &MemoryAttempts| {
        let addresses = [HOME, OFFICE, ELSEWHERE].map(|text| network(address(text)));
        let mut slots = Vec::new();
        for account in ACCOUNTS.into_iter().chain(OTHERS) {
            slots.push((0, attempts.account(Of::Strangers).slot(account)));
            slots.push((1, attempts.account(Of::Confirmations).slot(account)));
            for address in addresses {
                slots.push((2, attempts.account(Of::KnownAddresses).slot((account, address))));
            }
        }
        slots.extend(addresses.map(|address| (3, attempts.budgets.of_addresses.slot(address))));
        slots.iter().enumerate().all(|(index, slot)| !slots[..index].contains(slot))
    };
    loop {
        let attempts = MemoryAttempts::default();
        if are_apart(&attempts) {
            return attempts;
        }
    }
}

fn stranger<'a>(account: &'a str, from: &str) -> Attempt<'a> {
    Attempt { account, address: Some(address(from)), is_known_address: false }
}

fn known<'a>(account: &'a str, from: &str) -> Attempt<'a> {
    Attempt { is_known_address: true, ..stranger(account, from) }
}

/// How many are admitted at once.
fn left(attempts: &MemoryAttempts, attempt: Attempt<'_>, now: Timestamp) -> usize {
    (0..1_000).take_while(|_| attempts.admit(&attempt, now).is_ok()).count()
}

fn wait(outcome: Result<Admitted, Error>) -> Duration {
    match outcome {
        Err(Error::TooManyAttempts { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_has_a_budget_over_all_strange_addresses() {
    let attempts = attempts();
    assert_eq!(left(&attempts, stranger("maria", HOME), start()), 10);
    assert_eq!(wait(attempts.admit(&stranger("maria", OFFICE), start())), MINUTE);
    let nowhere = Attempt { account: "maria", address: None, is_known_address: true };
    assert_eq!(wait(attempts.admit(&nowhere, start())), MINUTE, "an address that is not there is not known");
    assert_eq!(left(&attempts, stranger("pierre", HOME), start()), 10, "others are not concerned");
    assert_eq!(left(&attempts, nowhere, start().after(MINUTE)), 1);
}

#[test]
fn an_hour_of_guessing_from_a_thousand_addresses_is_worth_seventy() {
    let attempts = attempts();
    let mut admitted = 0;
    for number in 0..10_000_u32 {
        let address = IpAddr::V4((0x0A00_0000 + number % 1_000).into());
        let attempt = Attempt { account: "maria", address: Some(address), is_known_address: false };
        let now = start().after(Duration::from_millis(u64::from(number) * 360));
        admitted += usize::from(attempts.admit(&attempt, now).is_ok());
        let owner_logs_in = number % 1_000 == 999;
        if owner_logs_in {
            let admitted = attempts.admit(&known("maria", HOME), now).expect("the owner is not kept out");
            attempts.succeeded(admitted);
        }
    }
    assert!((69..=70).contains(&admitted), "{admitted}");
}

#[test]
fn known_addresses_have_budgets_of_their_own() {
    let attempts = attempts();
    assert_eq!(left(&attempts, stranger("maria", ELSEWHERE), start()), 10);
    assert_eq!(left(&attempts, known("maria", HOME), start()), 10);
    assert_eq!(wait(attempts.admit(&known("maria", HOME), start())), MINUTE);
    assert_eq!(left(&attempts, known("maria", OFFICE), start()), 10, "each known address");
    assert_eq!(left(&attempts, known("pierre", HOME), start()), 10, "for each account");
    assert_eq!(left(&attempts, known("maria", HOME), start().after(MINUTE)), 1);
}

#[test]
fn an_address_has_a_budget_over_all_accounts() {
    let attempts = attempts();
    for account in ACCOUNTS {
        assert_eq!(left(&attempts, stranger(account, ELSEWHERE), start()), 10);
    }
    let refused = attempts.admit(&stranger("eve", ELSEWHERE), start());
    assert_eq!(wait(refused), 2 * SECOND);
    let later = start().after(2 * SECOND);
    assert!(attempts.admit(&stranger("eve", ELSEWHERE), later).is_ok());
    assert!(attempts.admit(&stranger("eve", ELSEWHERE), later).is_err());
    assert!(attempts.admit(&known("maria", ELSEWHERE), later).is_ok(), "where it is known it is not asked");
}

#[test]
fn the_longer_wait_is_told() {
    let attempts = attempts();
    for account in ACCOUNTS {
        left(&attempts, stranger(account, ELSEWHERE), start());
    }
    assert_eq!(wait(attempts.admit(&stranger("maria", ELSEWHERE), start())), MINUTE);
    let later = start().after(MINUTE);
    assert!(attempts.admit(&stranger("maria", ELSEWHERE), later).is_ok());
}

#[test]
fn what_one_budget_refuses_the_other_does_not_pay_for() {
    let attempts = attempts();
    assert_eq!(left(&attempts, stranger("maria", ELSEWHERE), start()), 10);
    for _ in 0..1_000 {
        attempts.admit(&stranger("maria", ELSEWHERE), start()).unwrap_err();
    }
    assert_eq!(left(&attempts, stranger("pierre", ELSEWHERE), start()), 10);
    assert_eq!(
        left(&attempts, stranger("irene", ELSEWHERE), start()),
        10,
        "the address paid for what was admitted"
    );

    let later = start().after(10 * MINUTE);
    for account in OTHERS {
        left(&attempts, stranger(account, ELSEWHERE), later);
    }
    for _ in 0..1_000 {
        attempts.admit(&stranger("maria", ELSEWHERE), later).unwrap_err();
    }
    let elsewhere =
        attempts.account(Of::Strangers).wait(attempts.account(Of::Strangers).slot("maria"), later);
    assert_eq!(elsewhere, Duration::ZERO, "the account did not pay for the address");
}

#[test]
fn a_right_password_gives_back_what_it_took_from_the_account() {
    let attempts = attempts();
    for attempt in [known("maria", HOME), stranger("maria", ELSEWHERE)] {
        for _ in 0..20 {
            attempts.succeeded(attempts.admit(&attempt, start()).unwrap());
        }
    }
    assert_eq!(left(&attempts, known("maria", HOME), start()), 10);
    assert_eq!(left(&attempts, stranger("maria", OFFICE), start()), 10);
    assert_eq!(
        left(&attempts, stranger("pierre", ELSEWHERE), start()),
        10,
        "20 of the address's 30 are gone"
    );
    assert_eq!(left(&attempts, stranger("irene", ELSEWHERE), start()), 0);
}

#[test]
fn confirmations_are_counted_apart() {
    let attempts = attempts();
    assert_eq!(left(&attempts, stranger("maria", ELSEWHERE), start()), 10);
    for _ in 0..20 {
        attempts.succeeded(attempts.admit_confirmation("maria", start()).unwrap());
    }
    for _ in 0..10 {
        attempts.admit_confirmation("maria", start()).unwrap();
    }
    assert_eq!(wait(attempts.admit_confirmation("maria", start())), MINUTE);
    assert!(attempts.admit_confirmation("pierre", start()).is_ok());
    assert!(attempts.admit_confirmation("maria", start().after(MINUTE)).is_ok());
}

#[test]
fn addresses_of_one_customer_are_one() {
    for (one, other) in [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("198.51.100.7", "::ffff:198.51.100.7"),
        ("198.51.100.7", "198.51.100.7"),
    ] {
        assert_eq!(network(address(one)), network(address(other)), "{one} {other}");
    }
    for (one, other) in
        [("2001:db8::1", "2001:db8:0:1::1"), ("198.51.100.7", "198.51.100.8"), ("::1", "0.0.0.1")]
    {
        assert_ne!(network(address(one)), network(address(other)), "{one} {other}");
    }
    let attempts = attempts();
    left(&attempts, known("maria", OFFICE), start());
    assert_eq!(left(&attempts, known("maria", "2001:db8:0:1::8"), start()), 0);
}

/// Threads that give back what they took, and some that do not: what stays taken is never more than the budget.
#[test]
fn threads_are_never_admitted_beyond_the_budget() {
    let attempts = attempts();
    let wrong = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..8 {
            let (attempts, wrong) = (&attempts, &wrong);
            scope.spawn(move || {
                for round in 0..2_000 {
                    let address = [HOME, OFFICE, ELSEWHERE][(number + round) % 3];
                    match attempts.admit(&stranger("maria", address), start()) {
                        Ok(admitted) if round % 5 > 0 => attempts.succeeded(admitted),
                        Ok(_) => drop(wrong.fetch_add(1, Ordering::SeqCst)),
                        Err(_) => {}
                    }
                }
            });
        }
    });
    let left = attempts.account(Of::Strangers);
    let slot = left.slot("maria");
    let rest = (0..1_000).take_while(|_| left.take(slot, start()).is_ok()).count();
    assert_eq!(wrong.into_inner() + rest, 10);
}

#[test]
fn nothing_is_shown_of_what_was_typed_as_a_name() {
    let shown = format!("{:?}", stranger("hunter2", HOME));
    assert!(!shown.contains("hunter2"), "{shown}");
}
