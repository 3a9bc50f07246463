#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/temporary.h"
#include "generate/given.h"
#include "generate/text_to_video.h"
#include "proof/receipt.h"
#include "video/writer.h"

namespace starling::cli {

// The files that a made video leaves: itself, its receipt, its call outputs, and what a ledger says of it. They get
// their names together, or, when something fails, none of them does. Each is whole
// whatever happens to the machine.
class VideoFiles {
 public:
  // Clears what a run for the same name left that was killed. Everything that can refuse does so here, before the long
  // part: a name that is taken by another video's receipt, a folder that is not there or not writable.
  static base::Result<std::unique_ptr<VideoFiles>> open(const std::string& output, const generate::TextToVideo& request,
                                                        bool lossless);
  ~VideoFiles();
  VideoFiles(const VideoFiles&) = delete;
  VideoFiles& operator=(const VideoFiles&) = delete;

  const std::filesystem::path& receipt() const { return receipt_; }
  std::filesystem::path trace() const;

  // What the video goes on from, to lie beside the receipt.
  void keep(generate::GivenFrames given) { given_ = std::move(given); }

  base::Status add(const video::FrameView& frame) { return writer_->add(frame); }
  // Call once, after the last frame: what the receipt may say of the video's file; nothing for a sequence of pictures.
  // An .mp4 says which receipt is its own, by the calls and frames of this one.
  base::Result<std::optional<proof::OutputFile>> finish_video(const proof::Receipt& receipt);
  // Writes the receipt, and the acceptance if there is one. receipt_text makes the text while commit_trace, which gives
  // the file of call outputs its name, is under way: the disk takes its time over each.
  base::Status publish(const std::function<base::Status()>& commit_trace,
                       const std::function<base::Result<std::string>()>& receipt_text,
                       const std::optional<std::string>& acceptance = std::nullopt);

 private:
  VideoFiles(std::string output, base::AtomicFile receipt_output, std::unique_ptr<video::Writer> writer,
             video::FileType type);
  void published(std::filesystem::path path);
  const std::string output_;
  const std::filesystem::path receipt_;
  base::AtomicFile receipt_output_;
  const std::unique_ptr<video::Writer> writer_;
  const video::FileType type_;
  generate::GivenFrames given_;
  // Files that are complete but whose companions may yet fail.
  std::vector<std::filesystem::path> published_;
  std::vector<base::TemporaryName> names_;
};

}  // namespace starling::cli
