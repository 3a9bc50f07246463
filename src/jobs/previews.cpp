#include "jobs/previews.h"

#include <cmath>

#include "jobs/video_files.h"
#include "video/picture.h"

namespace starling::jobs {
namespace {

constexpr double kShare = 0.05;
constexpr int kSide = 192;  // pixels, at most

}  // namespace

void Previews::begin(bool same_program) {
  if (!same_program) {
    preview_.reset();
    last_ = {};
  }
  before_ = {};
  failed_ = false;
  began_ = {};
  spent_ = {};
  count_ = 0;
}

bool Previews::is_time(const generate::CallLayout& calls, const generate::CallRole& step, Clock::time_point now) const {
  const std::chrono::duration<double> elapsed = now - began_ - spent_;
  const double done = step.window * calls.steps + step.index + 1;
  const double share = done / (calls.windows * calls.steps);
  const double allowed = kShare * elapsed.count() / share;
  const std::chrono::duration<double> one = last_;
  if (one.count() == 0) return true;
  const double affordable = std::floor(allowed / one.count());
  return std::chrono::duration<double>(spent_).count() + one.count() <= allowed && count_ <= share * affordable;
}

base::Status Previews::see(const Making& making, const generate::CallLayout& calls, std::uint32_t call,
                           const exact::Tensor& latent, exact::Engine& engine) {
  const Clock::time_point now = Clock::now();
  if (began_ == Clock::time_point()) began_ = now;
  if (failed_ || !making.watched()) {
    before_ = {};
    return {};
  }
  const generate::CallRole& role = calls.roles[call];
  // What comes after the last step is the video itself.
  const bool step = role.kind == generate::CallKind::kStep && call != calls.last_step && !before_.empty();
  if (step && is_time(calls, role, now)) {
    const base::Status shown = show(making, calls, role, latent, engine);
    if (!shown.ok() && shown.error().code == base::ErrorCode::kCancelled) return shown.error();
    failed_ = !shown.ok();  // the video may do all the same
    spent_ += Clock::now() - now;
    ++count_;
  }
  before_ = latent;
  return {};
}

base::Status Previews::show(const Making& making, const generate::CallLayout& calls, const generate::CallRole& step,
                            const exact::Tensor& latent, exact::Engine& engine) {
  if (!preview_) {
    STARLING_ASSIGN(preview_, generate::Preview::make(model_, making.video->request));
  }
  const Clock::time_point now = Clock::now();
  STARLING_ASSIGN(const video::Picture picture, preview_->picture(engine, step, before_, latent));
  STARLING_ASSIGN(const video::Picture small, shrunk(picture.view(), kSide));
  Preview preview;
  preview.step = step.window * calls.steps + step.index + 1;
  preview.steps = calls.windows * calls.steps;
  preview.png = video::png_bytes(small.view());
  making.show(preview);
  last_ = Clock::now() - now;
  return {};
}

}  // namespace starling::jobs
