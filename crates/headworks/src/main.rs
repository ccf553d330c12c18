//! The command line: `headworks up`, `run`, `demo`, `env`, `status`, `logs`, `config`.

use std::process::ExitCode;

fn main() -> ExitCode {
    headworks::cli::main()
}
