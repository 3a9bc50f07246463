#pragma once

#include "base/bytes.h"

namespace starling::models {

// Whether the normalisation tables of a SentencePiece model (ModelProto's normalizer_spec and denormalizer_spec, field
// precompiled_charsmap) can be walked without leaving them. The library follows their offsets unchecked, so a hostile
// file must not reach it. True also when there are none; false for bytes that are not a protobuf message.
//
// A table is a u32 with the size of a trie, the trie, and texts that end with a zero byte. The trie is a double array
// as darts-clone lays it out: a u32 unit holds a label (low byte, bit 31 for values), a mark that a value follows (bit
// 8) and an offset (from bit 10, by bit 9 times 256), which xor the position gives the children's block.
bool are_charsmaps_sound(base::ByteView model);

}  // namespace starling::models
