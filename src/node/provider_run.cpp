#include "node/provider_run.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "base/random.h"
#include "proof/commitment.h"
#include "proof/journal.h"

namespace starling::node {
namespace {

std::string pin_owner(const PartName& name) { return "part-" + name.text(); }

base::Result<proof::Journal> open_journal(const PartRun& run) {
  const generate::VideoJob& job = *run.part.job;
  return proof::Journal::open(run.folder.journal(), job.program(), generate::journal_run(job, run.part.input.model));
}

base::Result<StoredBlob> put_pinned(const PartRun& run, const base::Hash& blob) {
  STARLING_TRY(run.blobs.pin(blob, pin_owner(run.name)));
  const auto info = run.blobs.find(blob);
  if (!info.has_value()) return base::limit_error("a result was thrown out of the blobs at once: raise their quota");
  return StoredBlob{blob, info->size};
}

struct MadeVideo {
  proof::Receipt receipt;
  base::Hash frames;  // the blob
};

base::Result<MadeVideo> make(const PartRun& run, exact::Engine& engine, base::ThreadPool* pool) {
  const generate::VideoJob& job = *run.part.job;
  STARLING_ASSIGN(proof::Journal journal, open_journal(run));
  STARLING_ASSIGN(proof::TraceWriter trace, proof::TraceWriter::create(run.folder.trace()));
  STARLING_ASSIGN(const std::unique_ptr<store::BlobWriter> frames, run.blobs.write());
  generate::Listener listener;
  listener.frame = [&](std::size_t, const video::FrameView& frame) { return frames->append(frame.rgb); };
  listener.after_call = [&](std::uint32_t call) { return run.progress(std::max(call + 1, journal.calls())); };
  MadeVideo made;
  STARLING_ASSIGN(made.receipt, generate::make_video(job, engine, pool, trace, journal, listener));
  made.receipt.version = STARLING_VERSION;
  made.receipt.model_root = run.part.input.model;
  STARLING_TRY(proof::sign_receipt(made.receipt, run.key));
  STARLING_TRY(trace.commit());
  STARLING_ASSIGN(made.frames, frames->finish(run.now));
  return made;
}

}  // namespace

base::Result<PartResult> run_part(const PartRun& run, exact::Engine& engine, base::ThreadPool* pool) {
  STARLING_TRY(run.folder.make());
  base::Result<MadeVideo> made = make(run, engine, pool);
  if (!made.ok() && made.error().code == base::ErrorCode::kCorrupt) {
    base::log(base::LogLevel::kWarning, "a journal is damaged; the part is run from the beginning",
              {{"part", run.name.text()}, {"reason", made.error().message}});
    std::error_code ignored;
    std::filesystem::remove(run.folder.journal(), ignored);
    made = make(run, engine, pool);
  }
  if (!made.ok()) return made.error();
  STARLING_ASSIGN(const std::string text, proof::receipt_text(made->receipt));
  PartResult result;
  result.input = run.input;
  result.output_root = made->receipt.output_root;
  result.trace_root = made->receipt.trace_root;
  result.receipt = base::sha256(base::as_bytes(text));
  base::fill_random(result.salt.bytes);
  STARLING_ASSIGN(result.frames_blob, put_pinned(run, made->frames));
  STARLING_ASSIGN(const base::Hash receipt, run.blobs.put(base::as_bytes(text), run.now));
  STARLING_ASSIGN(result.receipt_blob, put_pinned(run, receipt));
  STARLING_ASSIGN(const base::Hash trace, run.blobs.put_file(run.folder.trace(), run.now));
  STARLING_ASSIGN(result.trace_blob, put_pinned(run, trace));
  result.finished = run.now;
  STARLING_TRY(run.folder.save(result));
  return result;
}

base::Result<PartCalls> calls_done(const PartRun& run) {
  std::error_code error;
  if (!std::filesystem::exists(run.folder.journal(), error)) return PartCalls{};
  STARLING_ASSIGN(const proof::Journal journal, open_journal(run));
  const auto all = static_cast<std::uint32_t>(run.part.job->program().calls().size());
  const std::uint32_t calls = std::min(journal.calls(), all - 1);
  std::vector<base::Hash> roots;
  for (std::uint32_t call = 0; call < calls; ++call) roots.push_back(proof::list_root(journal.roots(call)));
  return PartCalls{calls, proof::list_root(roots)};
}

void unpin_result(const PartName& name, const PartResult& result, store::Blobs& blobs) {
  for (const StoredBlob* const blob : {&result.receipt_blob, &result.frames_blob, &result.trace_blob}) {
    const base::Status status = blobs.unpin(blob->name, pin_owner(name));
    if (!status.ok()) base::log(base::LogLevel::kWarning, "a pin stays", {{"reason", status.error().message}});
  }
}

}  // namespace starling::node
