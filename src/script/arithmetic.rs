//! What operators do with values.

use super::ast::{BinaryOperator, UnaryOperator};
use super::{Execution, Value};

/// The result of an operator of numbers; `None` for a division by 0 and for operators that are
/// not of numbers. Overflow wraps.
pub(super) const fn compute(operator: BinaryOperator, left: i64, right: i64) -> Option<i64> {
    Some(match operator {
        BinaryOperator::Add => left.wrapping_add(right),
        BinaryOperator::And => (left != 0 && right != 0) as i64,
        BinaryOperator::BitAnd => left & right,
        BinaryOperator::BitOr => left | right,
        BinaryOperator::BitXor => left ^ right,
        BinaryOperator::Divide => match right {
            0 => return None,
            right => left.wrapping_div(right),
        },
        BinaryOperator::Equal => (left == right) as i64,
        BinaryOperator::Greater => (left > right) as i64,
        BinaryOperator::GreaterEqual => (left >= right) as i64,
        BinaryOperator::Less => (left < right) as i64,
        BinaryOperator::LessEqual => (left <= right) as i64,
        BinaryOperator::Modulo => match right {
            0 => return None,
            right => left.wrapping_rem(right),
        },
        BinaryOperator::Multiply => left.wrapping_mul(right),
        BinaryOperator::NotEqual => (left != right) as i64,
        BinaryOperator::Or => (left != 0 || right != 0) as i64,
        BinaryOperator::ShiftLeft => left.wrapping_shl(clamp_shift(right)),
        BinaryOperator::ShiftRight => left.wrapping_shr(clamp_shift(right)),
        BinaryOperator::Subtract => left.wrapping_sub(right),
        BinaryOperator::Match | BinaryOperator::NotMatch => return None,
    })
}

/// A distance that a number can be shifted by.
const fn clamp_shift(distance: i64) -> u32 {
    (distance & 63) as u32
}

/// What went wrong with an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Division by 0.
    DivisionByZero,
    /// A regular expression that was put together is malformed.
    Pattern(String),
}

/// The result of a binary operator. `+` does what its left side is: a number is added to, a
/// string is appended to.
pub(super) fn binary<'m>(
    execution: &Execution<'m>,
    operator: BinaryOperator,
    left: Value<'m>,
    right: Value<'m>,
) -> Result<Value<'m>, Trouble> {
    match operator {
        BinaryOperator::Add if !matches!(left, Value::Int(_)) => {
            let text = execution.build(&[execution.text(left), execution.text(right)]);
            Ok(Value::Text(text))
        }
        BinaryOperator::Equal => Ok(Value::Int(left.equals(right).into())),
        BinaryOperator::NotEqual => Ok(Value::Int((!left.equals(right)).into())),
        BinaryOperator::Match => matches(execution, left, right).map(|is| Value::Int(is.into())),
        BinaryOperator::NotMatch => {
            matches(execution, left, right).map(|is| Value::Int((!is).into()))
        }
        _ => compute(operator, left.to_int(), right.to_int())
            .map(Value::Int)
            .ok_or(Trouble::DivisionByZero),
    }
}

/// Whether `left` matches the regular expression that `right` is. `$null` matches nothing.
fn matches<'m>(
    execution: &Execution<'m>,
    left: Value<'m>,
    right: Value<'m>,
) -> Result<bool, Trouble> {
    if left == Value::Null {
        return Ok(false);
    }
    let pattern = execution.text(right);
    let regex =
        super::compile_pattern(pattern, super::PatternFlags::OPERATOR).map_err(Trouble::Pattern)?;
    Ok(regex.is_match(execution.text(left)))
}

/// The result of a unary operator.
pub(super) fn unary<'m>(
    execution: &Execution<'m>,
    operator: UnaryOperator,
    value: Value<'m>,
) -> Value<'m> {
    match operator {
        UnaryOperator::BitNot => Value::Int(!value.to_int()),
        UnaryOperator::Defined => Value::Int((value != Value::Null).into()),
        UnaryOperator::Negate => Value::Int(value.to_int().wrapping_neg()),
        UnaryOperator::Not => Value::Int((!value.is_true()).into()),
        UnaryOperator::StrEmpty => Value::Int(execution.text(value).is_empty().into()),
        UnaryOperator::StrLen => {
            Value::Int(i64::try_from(execution.text(value).len()).unwrap_or(i64::MAX))
        }
        UnaryOperator::ToInt => Value::Int(value.to_int()),
        UnaryOperator::ToText => Value::Text(execution.text(value)),
    }
}
