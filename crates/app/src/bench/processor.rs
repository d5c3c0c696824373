//! Processor time as the system counts it, in seconds; nothing where the system does not tell.

/// Of this process.
pub(super) fn own_s() -> f64 {
    seconds()[0]
}

/// Of this process and of its children that have ended.
pub(super) fn own_and_children_s() -> f64 {
    seconds().iter().sum()
}

/// Of this process, and of its children that have ended.
pub(super) fn seconds() -> [f64; 2] {
    told(&std::fs::read_to_string("/proc/self/stat").unwrap_or_default())
}

/// Numbers 14 to 17 of proc(5), in hundredths of a second: in the program and in the kernel, of the process and of its children.
/// The name before them may hold anything but ends with the last parenthesis.
fn told(stat: &str) -> [f64; 2] {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(4).filter_map(|word| word.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system, children_user, children_system] => {
            [(user + system) / 100.0, (children_user + children_system) / 100.0]
        }
        _ => [0.0, 0.0],
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn the_right_numbers_are_read_whatever_the_program_is_called() {
        let stat = "7 (a) b 1 (c) S 1 7 7 0 -1 4194560 100 200 0 0 150 50 30 20 20 0 1 0 100 0 0";
        assert_eq!(told(stat), [2.0, 0.5]);
        assert_eq!(told("7 (overt) S 1"), [0.0, 0.0]);
        assert_eq!(told(""), [0.0, 0.0]);
    }
}
