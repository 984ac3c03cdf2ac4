//! Python pickles, read as data: no opcode here can import, call or build anything.

mod budget;
mod integer;
mod json;
mod known;
mod merge;
mod object;
mod quote;
mod repr;
mod text;
mod value;
