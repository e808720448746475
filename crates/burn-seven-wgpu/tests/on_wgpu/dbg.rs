use crate::data::*;
use burn_seven_kernels::*;
#[test]
fn dbg() {
    let rng = &mut generator(11);
    for scores in Scores::ALL {
        for length in LENGTHS {
            for (returns, reserved) in [(false, false), (true, false), (false, true), (true, true)] {
                let host = Host::draw(scores, length, returns, reserved, rng);
                let l = host.upload();
                let a = portable::floats(&l.scores);
                let b = portable::bools(&l.dropped);
                let d = a.iter().zip(&host.scores).filter(|(a,b)| a.to_bits() != b.to_bits()).take(3).map(|(a,b)| format!("{:x} {:x}", a.to_bits(), b.to_bits())).collect::<Vec<_>>();
                let e = b.iter().zip(&host.dropped).filter(|(a,b)| a != b).count();
                let f = l.reserved.as_ref().map(|r| portable::bools(r).iter().zip(host.reserved.as_ref().unwrap()).filter(|(a,b)| a != b).count());
                println!("{scores:?} {length} returns {returns} reserved {reserved} {d:?} {e} {f:?}");
            }
        }
    }
}
