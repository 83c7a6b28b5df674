//! Writes of registers drawn uniformly, each newer than all before.

use std::time::{SystemTime, UNIX_EPOCH};

/// Flags of a user.
const FLAGS: u64 = 10;

/// A source of writes.
#[derive(Clone, Debug)]
pub struct Registers {
    below: u64,
    seed: u64,
    time_us: i64,
}

/// One write, in the sizes that `exposure load` sends: a user and a flag of 15 bytes each, a variant of 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which register, below the number of them.
    pub register: u64,
    /// When, in microseconds.
    pub time_us: i64,
}

impl Registers {
    /// Draws of `n_registers`; every worker has draws of its own, and so has every run.
    pub fn new(n_registers: u64, worker: u64) -> Self {
        let time_us = now_us();
        Self { below: n_registers, seed: mix(time_us as u64 ^ mix(worker)), time_us }
    }

    /// The next write.
    pub fn draw(&mut self) -> Write {
        self.seed = self.seed.wrapping_add(1);
        let register = (u128::from(mix(self.seed)) * u128::from(self.below)) >> 64;
        self.time_us += 1;
        Write { register: register as u64, time_us: self.time_us }
    }

    /// The next `n` writes. As many clients do it, times go on with the clock.
    pub fn draw_all(&mut self, n: usize, to: &mut Vec<Write>) {
        to.clear();
        self.time_us = self.time_us.max(now_us());
        to.extend((0..n).map(|_| self.draw()));
    }
}

impl Write {
    /// The user's id.
    pub fn user(self) -> String {
        format!("user-{:010}", self.register / FLAGS)
    }

    /// The flag's key.
    pub fn flag(self) -> String {
        format!("flag-{:010}", self.register % FLAGS)
    }

    /// The variant: of a flag, a user is shown one.
    pub fn variant(self) -> &'static str {
        match mix(self.register) & 3 {
            0 => "variant0",
            1 => "variant1",
            2 => "variant2",
            _ => "variant3",
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a generator of load is a client: its clock is the system's"
)]
fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// Random bits out of a counter.
fn mix(counter: u64) -> u64 {
    let mut bits = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_fresh_and_within_the_registers() {
        let mut registers = Registers::new(50, 1);
        let (mut writes, mut last) = (Vec::new(), 0);
        for _ in 0..3 {
            registers.draw_all(40, &mut writes);
            for write in &writes {
                assert!(write.register < 50 && last < write.time_us);
                last = write.time_us;
            }
        }
        let write = Write { register: 123, time_us: 1 };
        assert_eq!(
            (write.user(), write.flag()),
            ("user-0000000012".into(), "flag-0000000003".into())
        );
    }
}
