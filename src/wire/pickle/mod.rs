//! x
mod machine;
mod value;
