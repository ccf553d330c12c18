//! The registry against the models, and the server as its clients see it.

#[cfg(test)]
mod access;
#[cfg(test)]
mod check;
#[cfg(test)]
mod corpus_run;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod error_codes;
