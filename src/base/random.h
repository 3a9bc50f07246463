#pragma once

#include <cstdint>
#include <span>

namespace starling::base {

// Fills bytes from the operating system's entropy: for keys, salts and names. Halts if the system has none to give.
// Nothing whose result anyone checks may use it; computations draw from seeds (exact/random.h).
void fill_random(std::span<std::uint8_t> bytes);
std::uint64_t random_u64();

// Overwrites a secret in a way that the compiler keeps.
void wipe(std::span<std::uint8_t> secret);

}  // namespace starling::base
