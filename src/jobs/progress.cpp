#include "jobs/progress.h"

#include <algorithm>

namespace starling::jobs {

ProgressScale::ProgressScale(const generate::VideoJob& job) {
  constexpr double kAlmost = 99.0;
  const generate::CallLayout& layout = job.calls();
  std::vector<double> works;
  for (const exact::Graph& graph : job.program().graphs()) {
    const exact::Work work = graph.work();
    works.push_back(static_cast<double>(work.f32_multiply_adds) + static_cast<double>(work.i8_multiply_adds) +
                    static_cast<double>(work.elements));
  }
  const auto& calls = job.program().calls();
  double all = 1.0;
  for (const auto& call : calls) all += works[call.graph];
  Progress mark;
  mark.steps = layout.steps * layout.windows;
  marks_.push_back(mark);
  double done = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    done += works[calls[i].graph];
    mark.percent = static_cast<int>(done * kAlmost / all);
    const generate::CallRole& role = layout.roles[i];
    if (role.kind == generate::CallKind::kStep) mark.step = role.window * layout.steps + role.index + 1;
    marks_.push_back(mark);
  }
}

Progress ProgressScale::after(std::size_t calls) const { return marks_[std::min(calls, marks_.size() - 1)]; }

}  // namespace starling::jobs
