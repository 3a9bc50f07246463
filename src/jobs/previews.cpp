#include "jobs/previews.h"

#include "jobs/video_files.h"
#include "video/picture.h"

namespace starling::jobs {
namespace {

constexpr int kShare = 12;
constexpr int kSide = 192;  // pixels, at most

}  // namespace

void Previews::begin(bool same_program) {
  if (!same_program) {
    preview_.reset();
    last_ = {};
  }
  before_ = {};
  failed_ = false;
  began_ = Clock::now();
  spent_ = {};
}

base::Status Previews::see(const Making& making, const generate::CallLayout& calls, std::uint32_t call,
                           const exact::Tensor& latent, exact::Engine& engine) {
  if (failed_ || !making.watched()) {
    before_ = {};
    return {};
  }
  const generate::CallRole& role = calls.roles[call];
  const Clock::time_point now = Clock::now();
  // What comes after the last step is the video itself.
  const bool step = role.kind == generate::CallKind::kStep && call != calls.last_step && !before_.empty();
  if (step && kShare * (spent_ + last_) <= now - began_) {
    const base::Status shown = show(making, calls, role, latent, engine);
    if (!shown.ok() && shown.error().code == base::ErrorCode::kCancelled) return shown.error();
    failed_ = !shown.ok();  // the video may do all the same
    last_ = Clock::now() - now;
    spent_ += last_;
  }
  before_ = latent;
  return {};
}

base::Status Previews::show(const Making& making, const generate::CallLayout& calls, const generate::CallRole& step,
                            const exact::Tensor& latent, exact::Engine& engine) {
  if (!preview_) {
    STARLING_ASSIGN(preview_, generate::Preview::make(model_, making.video->request));
  }
  STARLING_ASSIGN(const video::Picture picture, preview_->picture(engine, step, before_, latent));
  STARLING_ASSIGN(const video::Picture small, shrunk(picture.view(), kSide));
  Preview preview;
  preview.step = step.window * calls.steps + step.index + 1;
  preview.steps = calls.windows * calls.steps;
  preview.png = video::png_bytes(small.view());
  making.show(preview);
  return {};
}

}  // namespace starling::jobs
