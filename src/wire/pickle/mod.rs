//! Python pickles, read as data: no opcode here can import, call or build anything.

mod value;
