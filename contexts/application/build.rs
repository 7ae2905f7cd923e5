//! A new migration file changes this crate, too: migrations are compiled in.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/application");
}
