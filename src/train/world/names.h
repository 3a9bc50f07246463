#pragma once

#include <array>
#include <cstddef>

#include "generate/attributes.h"
#include "train/world/phrases.h"

namespace starling::train {

// One list for each value of an enumeration, in the enumeration's order.
template <std::size_t N, typename List, typename E>
List pick(const std::array<List, N>& table, E value) {
  return table[static_cast<std::size_t>(value) % N];
}

// What both worlds have, and call alike.

namespace english {
Phrases colour(generate::Colour colour);
Phrases size(generate::Size size);
}  // namespace english

namespace chinese {
Phrases colour(generate::Colour colour);
Phrases size(generate::Size size);
}  // namespace chinese

}  // namespace starling::train
