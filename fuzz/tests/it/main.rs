//! The seeds and all findings, without libFuzzer.

#[cfg(test)]
mod replay;
