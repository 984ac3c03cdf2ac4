//! Integers of more than 64 bits.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::budget::Budget;
use super::value::{Heap, Item, Span};

/// How many digits are written out. `CPython` refuses to write more than 4,300 unless told to, since the work grows with the
/// square.
const MAX_DIGITS: usize = 4_000;
/// How many bytes an integer of that many digits has at most.
const MAX_BYTES: usize = 1_662;
/// How long an integer of 128 bits may be in any spelling that somebody writes. Longer ones are not looked at.
const MAX_SHORT: usize = 64;

/// An integer in decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decimal<'a> {
    /// Sign and digits, without leading zeros.
    Digits {
        negative: bool,
        digits: Cow<'a, str>,
    },
    /// It is too large to be written out: its size instead, such as `<integer of 20000 bits>`.
    Huge(String),
}

/// An integer item in decimal; `None` when the item is something else. Takes from the budget what the work is worth.
pub(super) fn decimal<'a>(heap: &Heap<'a>, item: Item, budget: &mut Budget) -> Option<Decimal<'a>> {
    Some(match item {
        Item::Int(value) => Decimal::Digits {
            negative: value < 0,
            digits: Cow::Owned(value.unsigned_abs().to_string()),
        },
        Item::LongText(span) => of_digits(heap.bytes(span), budget),
        Item::LongBytes(span) => of_bytes(heap.bytes(span), budget),
        _ => return None,
    })
}

/// What [`decimal`] may cost, in bytes of a budget.
pub(super) fn weight(heap: &Heap<'_>, item: Item) -> usize {
    match item {
        Item::LongText(span) => heap.bytes(span).len().min(2 * MAX_DIGITS),
        Item::LongBytes(span) => {
            let len = heap.bytes(span).len().min(2 * MAX_BYTES);
            len + work(len.min(MAX_BYTES))
        }
        _ => 0,
    }
}

/// What it costs to make digits of so many bytes: the work grows with the square, and some 16 ns of it are paid for like a byte
/// of output.
fn work(len: usize) -> usize {
    len * len / 256
}

/// A non-negative integer of at most 128 bits.
pub(super) fn unsigned(heap: &Heap<'_>, item: Item) -> Option<u128> {
    match item {
        Item::Int(value) => u128::try_from(value).ok(),
        Item::LongText(span) => {
            let digits = short_bytes(heap, span)?;
            str::from_utf8(digits).ok()?.trim().parse().ok()
        }
        Item::LongBytes(span) => {
            let bytes = short_bytes(heap, span)?;
            let (low, high) = bytes.split_at(bytes.len().min(16));
            if high.iter().any(|byte| *byte != 0) || high.is_empty() && is_negative(bytes) {
                return None;
            }
            let mut padded = [0; 16];
            padded[..low.len()].copy_from_slice(low);
            Some(u128::from_le_bytes(padded))
        }
        _ => None,
    }
}

fn short_bytes<'a>(heap: &Heap<'a>, span: Span) -> Option<&'a [u8]> {
    let bytes = heap.bytes(span);
    (bytes.len() <= MAX_SHORT).then_some(bytes)
}

fn is_negative(bytes: &[u8]) -> bool {
    bytes.last().is_some_and(|last| last & 0x80 != 0)
}

fn of_digits<'a>(text: &'a [u8], budget: &mut Budget) -> Decimal<'a> {
    // Zeros in front are not worth looking at for each reference.
    if text.len() > 2 * MAX_DIGITS {
        return Decimal::Huge(format!("<integer of {} digits>", text.len()));
    }
    let text = text.trim_ascii();
    let negative = text.first() == Some(&b'-');
    let digits = text
        .strip_prefix(b"-")
        .or(text.strip_prefix(b"+"))
        .unwrap_or(text);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() > MAX_DIGITS || !budget.take(zeros) {
        return Decimal::Huge(format!("<integer of {} digits>", digits.len()));
    }
    match str::from_utf8(digits) {
        Ok("") | Err(_) => Decimal::Digits {
            negative: false,
            digits: "0".into(),
        },
        Ok(digits) => Decimal::Digits {
            negative,
            digits: digits.into(),
        },
    }
}

/// Little-endian two's complement.
fn of_bytes(bytes: &[u8], budget: &mut Budget) -> Decimal<'static> {
    let negative = is_negative(bytes);
    // Padding is not worth looking at, either.
    if bytes.len() > 2 * MAX_BYTES {
        return Decimal::Huge(format!("<integer of {} bits>", bytes.len() * 8));
    }
    let padding = if negative { 0xFF } else { 0 };
    let len = bytes
        .iter()
        .rposition(|byte| *byte != padding)
        .map_or(0, |last| last + 1);
    if len > MAX_BYTES || !budget.take(bytes.len() - len + work(len)) {
        return Decimal::Huge(format!("<integer of {} bits>", len * 8));
    }
    let mut limbs = vec![0_u32; len / 4 + 1];
    for (i, limb) in limbs.iter_mut().enumerate() {
        let mut four = [padding; 4];
        for (to, from) in four.iter_mut().zip(bytes.iter().skip(i * 4)) {
            *to = *from;
        }
        *limb = u32::from_le_bytes(four);
    }
    if negative {
        negate(&mut limbs);
    }
    Decimal::Digits {
        negative,
        digits: Cow::Owned(digits_of(limbs)),
    }
}

fn negate(limbs: &mut [u32]) {
    let mut carry = true;
    for limb in limbs {
        (*limb, carry) = (!*limb).overflowing_add(u32::from(carry));
    }
}

/// The decimal digits of a magnitude, least significant limb first.
fn digits_of(mut limbs: Vec<u32>) -> String {
    const NINE_DIGITS: u64 = 1_000_000_000;
    let mut groups = Vec::new();
    while let Some(highest) = limbs.iter().rposition(|limb| *limb != 0) {
        limbs.truncate(highest + 1);
        let mut rest = 0_u64;
        for limb in limbs.iter_mut().rev() {
            let value = rest << 32 | u64::from(*limb);
            // Both fit: the quotient since `rest` is below the divisor, the remainder since the divisor is below 2^32.
            *limb = u32::try_from(value / NINE_DIGITS).unwrap_or(u32::MAX);
            rest = value % NINE_DIGITS;
        }
        groups.push(rest);
    }
    let mut digits = groups.pop().unwrap_or(0).to_string();
    for group in groups.iter().rev() {
        write!(digits, "{group:09}").expect("a String takes everything");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: &[u8]) -> String {
        shown(decimal(
            &Heap {
                frame: bytes,
                side: &[],
                nodes: &[],
            },
            Item::LongBytes(Span::of_frame(0, bytes.len())),
            &mut Budget::of_frame(bytes.len()),
        ))
    }

    fn digits(text: &str) -> String {
        shown(decimal(
            &Heap {
                frame: text.as_bytes(),
                side: &[],
                nodes: &[],
            },
            Item::LongText(Span::of_frame(0, text.len())),
            &mut Budget::of_frame(text.len()),
        ))
    }

    fn shown(decimal: Option<Decimal<'_>>) -> String {
        match decimal.unwrap() {
            Decimal::Digits {
                negative: true,
                digits,
            } => format!("-{digits}"),
            Decimal::Digits { digits, .. } => digits.into_owned(),
            Decimal::Huge(text) => text,
        }
    }

    #[test]
    fn twos_complement_becomes_decimal() {
        assert_eq!(
            bytes(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0]),
            "9223372036854775808"
        );
        assert_eq!(
            bytes(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF]),
            "-9223372036854775809"
        );
        assert_eq!(bytes(&[0xFF; 12]), "-1");
        assert_eq!(bytes(&[]), "0");
        assert_eq!(bytes(&[0; 40]), "0");
        assert_eq!(bytes(&[0, 0, 0, 0x80]), "-2147483648");
        let mut power = [0; 17];
        power[16] = 1;
        assert_eq!(bytes(&power), "340282366920938463463374607431768211456");
        // 10^18: the groups of nine digits within are all zeros.
        assert_eq!(
            bytes(&1_000_000_000_000_000_000_i128.to_le_bytes()),
            "1000000000000000000"
        );
    }

    #[test]
    fn decimal_text_loses_its_sign_and_zeros() {
        assert_eq!(digits("-00012345678901234567890"), "-12345678901234567890");
        assert_eq!(digits("+7"), "7");
        assert_eq!(digits("-0"), "0");
        assert_eq!(digits(&("0".repeat(3_000) + "5")), "5");
    }

    #[test]
    fn what_is_too_large_is_described() {
        assert_eq!(bytes(&[1; 2_500]), "<integer of 20000 bits>");
        assert_eq!(digits(&"9".repeat(4_001)), "<integer of 4001 digits>");
        assert_eq!(bytes(&[0x7F; MAX_BYTES]).len(), 4_003);
        assert_eq!(bytes(&[0; 5_000]), "<integer of 40000 bits>");
    }

    #[test]
    fn an_unsigned_integer_has_at_most_128_bits() {
        let of = |frame: &[u8]| {
            let heap = Heap {
                frame,
                side: &[],
                nodes: &[],
            };
            unsigned(&heap, Item::LongBytes(Span::of_frame(0, frame.len())))
        };
        let mut most = [0xFF; 17];
        most[16] = 0;
        assert_eq!(of(&most), Some(u128::MAX));
        assert_eq!(of(&[0xFF; 16]), None);
        assert_eq!(of(&[0, 0, 0, 0, 0, 0, 0, 0, 1]), Some(1 << 64));
        assert_eq!(of(&[1; 17]), None);
        assert_eq!(of(&[0; 64]), Some(0));
        assert_eq!(of(&[0; 65]), None);
    }
}
