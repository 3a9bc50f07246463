#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "proof/receipt.h"

namespace starling::cli {

// The receipt beside a video: out.receipt.json for out.mp4, and for a folder or a sequence of pictures as well.
std::filesystem::path receipt_path(const std::filesystem::path& video);
// Another video than this one that has the same receipt_path() and that the receipt there is of, byte for byte; nothing
// if there is none, or no such receipt. Sequences of pictures are not looked for: receipts do not describe their files.
std::optional<std::filesystem::path> other_video_of_receipt(const std::filesystem::path& video);
// The file that the video of a receipt was written to: as the receipt says, or, of one that a network made, as the
// acceptance beside it says. text: of the receipt. Nothing if neither says.
std::optional<proof::OutputFile> written_file(const std::filesystem::path& receipt_file, const proof::Receipt& receipt,
                                              const std::string& text);
// The call outputs beside a receipt: out.trace for out.receipt.json.
std::filesystem::path trace_path(const std::filesystem::path& receipt);
// The frames that a video goes on from, beside its receipt: out.inputs for out.receipt.json.
std::filesystem::path inputs_path(const std::filesystem::path& receipt);
// What the ledger says of a receipt, beside it: out.acceptance.json for out.receipt.json.
std::filesystem::path acceptance_path(const std::filesystem::path& receipt);

}  // namespace starling::cli
