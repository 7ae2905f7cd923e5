//! A new migration file changes this crate, too: migrations are compiled in. So is what is spoken between processes, where that
//! is asked for.

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    println!("cargo:rerun-if-changed=../migrations/kernel");
    compile_wire()
}

#[cfg(not(feature = "remote"))]
fn compile_wire() -> Outcome {
    Ok(())
}

#[cfg(feature = "remote")]
fn compile_wire() -> Outcome {
    use prost::Message as _;

    println!("cargo:rerun-if-changed=proto");
    let description = protox::compile(["proto/authorization.proto"], ["proto"])?;
    #[expect(clippy::disallowed_methods, reason = "that is how cargo tells where to write")]
    let folder = std::path::PathBuf::from(std::env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?);
    // What reflection answers with.
    std::fs::write(folder.join("authorization.bin"), description.encode_to_vec())?;
    // Channels are made in one place, with time limits: no `connect` of its own.
    tonic_prost_build::configure().build_transport(false).compile_fds(description)?;
    Ok(())
}
