//! "Did you mean": the known name that is nearest to a misspelt one.

/// The name among `known` that `name` was probably meant to be.
#[must_use]
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = 1 + name.len() / 4;
    known
        .into_iter()
        .filter(|other| other.len().abs_diff(name.len()) <= allowed)
        .map(|other| (distance(name.as_bytes(), other.as_bytes()), other))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// Letters to add, remove, change or swap with their neighbour to make one name of the other,
/// without regard to case.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut older = vec![0; right.len() + 1];
    let mut old: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let change = old[j] + usize::from(!a.eq_ignore_ascii_case(b));
            let mut best = change.min(old[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(older[j - 1] + 1);
            }
            row.push(best);
        }
        older = std::mem::replace(&mut old, row);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let known = ["children", "listen", "alias", "log_stderror"];
        assert_eq!(nearest("childern", known), Some("children"));
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("log_stderr", known), Some("log_stderror"));
        assert_eq!(nearest("ALIAS", known), Some("alias"));
    }

    #[test]
    fn something_else_altogether_is_not() {
        assert_eq!(nearest("frobnicate", ["children", "listen"]), None);
        assert_eq!(nearest("", ["children"]), None);
    }
}
