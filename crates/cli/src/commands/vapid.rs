//! `belfry vapid`: keys of an application server.

use std::io::{self, Write as _};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde_json::json;
use webpush::vapid::VapidKey;

use crate::args::VapidCommand;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) fn run(command: &VapidCommand, output: Output) -> Result<(), Failure> {
    match command {
        VapidCommand::Generate => generate(output),
    }
}

/// `> key.pem` makes a file that any tool reads; the public key can still be seen.
fn generate(output: Output) -> Result<(), Failure> {
    let key = VapidKey::generate(&mut UnwrapErr(SysRng));
    let pem = key.to_pem().map_err(|error| Failure::internal(error.to_string()))?;
    let public = key.public();
    if output.is_json() {
        return output.value(&json!({ "public_key": public.to_string(), "private_key": pem.as_str() }));
    }
    output.line(pem.trim_end())?;
    // A hint: nothing is lost when nobody reads it.
    let _ = writeln!(io::stderr(), "public key: {public}");
    Ok(())
}
