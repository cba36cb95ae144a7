//! One file per command.

mod config;
mod dnd;
mod doctor;
mod exec;
mod inbox;
mod run;
mod send;
mod serve;
mod service;
mod site;
mod test;
mod transfer;
mod vapid;

use std::io::{self, BufRead as _, Write as _};

use clap::CommandFactory as _;
use push_service::local::Local;
use user_agent::Client;
use user_agent::api::{Request, Response};
use user_agent::attach::{self, attach};
use user_agent::config::{Mode, PushServiceName, PushServiceUrl, check_ca_file};

use crate::args::{Arguments, Command, Global};
use crate::exit::Failure;
use crate::output::Output;

/// Does what the command line asks.
pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let Arguments { global, command } = arguments;
    // At once, not as the failure of each connection.
    for file in &global.ca {
        check_ca_file(file)?;
    }
    match command {
        Command::Serve(serve) => serve::run(serve, output).await,
        Command::Run(run) => run::run(&global, run, output).await,
        Command::Site(site) => site::run(&global, site, output).await,
        Command::Inbox(inbox) => inbox::run(&global, inbox, output).await,
        Command::Send(send) => send::run(&global, *send, output).await,
        Command::Test { site } => test::run(&global, site, output).await,
        Command::Doctor => doctor::run(&global, output).await,
        Command::Unlock => {
            let unlocked = attach::unlock(&global.engine(Mode::Offline)?).await?;
            output.print(&unlocked, || unlocked.to_string())
        }
        Command::Vapid(vapid) => vapid::run(&vapid, output),
        Command::Completions { shell } => completions(shell, output),
        Command::Dnd { state } => dnd::run(&global, state, output).await,
        Command::Config(command) => config::run(&global, command, output).await,
        Command::Service(command) => service::run(&global, command, output).await,
    }
}

/// Reaches the profile's engine, this process's or another's, for one piece of work.
async fn with_engine<T>(
    global: &Global,
    mode: Mode,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let attached = attach(global.engine(mode)?).await?;
    let result = work(&attached.client()).await;
    attached.finish().await;
    result
}

/// Asks the profile's engine one thing.
async fn ask(global: &Global, mode: Mode, request: Request) -> Result<Response, Failure> {
    with_engine(global, mode, async |client| Ok(client.request(request).await?)).await
}

/// Where a push service is; the local one runs when this returns.
async fn push_service_at(name: PushServiceName) -> Result<PushServiceUrl, Failure> {
    match name {
        PushServiceName::Url(url) => Ok(url),
        PushServiceName::Local => {
            let url = Local::of_this_user()?.ensure().await?;
            Ok(String::from(url).parse()?)
        }
    }
}

/// Likewise, if one is named.
async fn push_service_url(name: Option<PushServiceName>) -> Result<Option<PushServiceUrl>, Failure> {
    match name {
        Some(name) => push_service_at(name).await.map(Some),
        None => Ok(None),
    }
}

/// Whether whoever sits at the terminal says yes.
fn confirmed(question: &str) -> Result<bool, Failure> {
    let ask = || {
        write!(io::stderr(), "{question} [y/N] ")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    };
    ask().map_err(|error: io::Error| Failure::internal(format!("cannot ask: {error}")))
}

/// The answer belongs to another request.
fn mixed_up() -> Failure {
    Failure::internal("the receiver gave an answer to something else")
}

fn completions(shell: clap_complete::Shell, output: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "belfry", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end())
}
