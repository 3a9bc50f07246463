#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/graph.h"
#include "generate/text_to_video.h"
#include "generate/video_job.h"
#include "store/blob_manifest.h"

namespace starling::node {

// What the blob that a task names for a part says: which video of which model, and the frames that it goes on from.
struct PartInput {
  base::Hash model;
  generate::TextToVideo request;
  generate::GivenFrames given = nullptr;  // if the request names any
};

// One piece of a blob: two prompts of generate::kMaxPromptBytes, and some given frames.
inline constexpr std::size_t kMaxPartInputBytes = store::kPieceBytes;
// Of the frames.
inline constexpr std::size_t kMaxPartGivenBytes = kMaxPartInputBytes - (std::size_t{1} << 20);

// Canonical JSON: {"model": "0x…", "parameters": {…as in receipts…}, "task": "text_to_video"}. If frames are given, a
// newline and their pixels follow, frame after frame.
base::Bytes encode_part_input(const PartInput& input);
// kCorrupt unless these are the bytes that encode_part_input() writes.
base::Result<PartInput> decode_part_input(base::ByteView bytes);

// What is paid for: the multiply-adds of both kinds. Stays at 2^64 - 1 when it gets there.
std::uint64_t priced_work(const exact::Work& work);
// Of the job, rounded up.
std::uint64_t needed_mebibytes(const generate::VideoJob& job);

// Whether two requests have the same program: all but prompts, seed and given frames are equal.
bool same_program(const generate::TextToVideo& a, const generate::TextToVideo& b);

}  // namespace starling::node
