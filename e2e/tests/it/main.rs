//! Each test is a story; what it proves stands at the top of `stories/NAME.py`.

mod stories;
