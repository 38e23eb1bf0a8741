//! "Did you mean ...?"

/// The one of `names` that `name` was probably meant to be.
pub(super) fn most_similar<'n>(
    name: &str,
    names: impl Iterator<Item = &'n str>,
) -> Option<&'n str> {
    let distance_max = (name.len() / 3).clamp(1, 3);
    names
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many letters must be changed, added, removed or swapped with their neighbour to make `b`
/// of `a` (optimal string alignment); the case of letters counts for nothing.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_lowercase().into_bytes(), b.to_ascii_lowercase().into_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_recognized_and_other_words_are_not() {
        let names = ["forward", "sl_send_reply", "record_route", "lookup"];
        for (name, meant) in [
            ("foward", Some("forward")),
            ("forwrad", Some("forward")),
            ("sl_sendreply", Some("sl_send_reply")),
            ("Lookup", Some("lookup")),
            ("t_relay", None),
            ("", None),
        ] {
            assert_eq!(most_similar(name, names.into_iter()), meant, "{name}");
        }
    }
}
