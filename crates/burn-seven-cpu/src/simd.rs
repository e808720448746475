//! Compiling a loop for the vector unit that is there.

/// Calls `body`, an `#[inline(always)]` function, compiled for AVX2 where the processor has it.
macro_rules! dispatch {
    ($body:ident => fn $name:ident $(<$($generic:ident: $bound:path),*>)? ($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)?) => {
        #[allow(unsafe_code, clippy::too_many_arguments)]
        fn $name $(<$($generic: $bound),*>)? ($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn wide $(<$($generic: $bound),*>)? ($($arg: $type),*) $(-> $out)? {
                    $body($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has what `wide` is compiled for, as just asked.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}

pub(crate) use dispatch;
