//! A new migration file of the probe changes this crate, too: migrations are compiled in.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
