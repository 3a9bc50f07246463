// starling job submit | list | show | wait | cancel | logs: videos made by a network, one or many at a time.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <sstream>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/customer.h"
#include "cli/events.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/setup.h"
#include "cli/video_request.h"
#include "ledger/json_fields.h"
#include "models/fast_model.h"

namespace starling::cli {

namespace fs = std::filesystem;
namespace market = ledger::market;

namespace {

struct JobArguments {
  std::string network;
  VideoArguments video;
  std::string prompts;
  std::int64_t count = 1;
  Bargain bargain;
  std::uint64_t task = 0;
  std::string output;
  std::string address;
  std::int64_t limit = 20;
  bool lossless = false;
  bool json = false;
};

constexpr std::size_t kMaxPromptsBytes = std::size_t{16} << 20;

// The prompts of a batch: the one that was given, or the lines of a file.
base::Result<std::vector<std::string>> read_prompts(const JobArguments& arguments) {
  if (arguments.prompts.empty()) {
    if (arguments.video.prompt.empty()) return base::invalid("give a prompt, or a file of prompts with --prompts");
    return std::vector<std::string>{arguments.video.prompt};
  }
  if (!arguments.video.prompt.empty()) return base::invalid("give either a prompt or --prompts, not both");
  std::string text;
  if (arguments.prompts == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    STARLING_ASSIGN(text, base::read_text_file(arguments.prompts, kMaxPromptsBytes));
  }
  std::vector<std::string> prompts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) prompts.push_back(line);
  }
  if (prompts.empty()) return base::invalid(arguments.prompts + " has no prompt: give one on each line");
  return prompts;
}

struct Requests {
  std::vector<generate::TextToVideo> requests;
  std::vector<generate::GivenFrames> given;  // of each
};

base::Result<Requests> make_requests(const JobArguments& arguments, const fs::path& folder,
                                     const models::Checkpoint& model) {
  STARLING_ASSIGN(const std::vector<std::string> prompts, read_prompts(arguments));
  Requests all;
  VideoArguments one = arguments.video;
  for (const std::string& prompt : prompts) {
    one.prompt = prompt;
    STARLING_TRY(check_prompt(one));
    STARLING_ASSIGN(ReadyRequest ready, make_request(one, folder, model.config(), video::FileType::kMp4));
    generate::TextToVideo& request = ready.request;
    for (std::int64_t i = 0; i < arguments.count; ++i) {
      all.requests.push_back(request);
      all.given.push_back(ready.given);
      ++request.seed;
    }
    if (all.requests.size() > market::kMaxParts) {
      return base::invalid("a job has at most " + std::to_string(market::kMaxParts) +
                           " videos: order the others apart");
    }
  }
  return all;
}

base::Result<int> submit(const JobArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.video.model, arguments.video.fast));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(const Requests all, make_requests(arguments, folder, model));
  const std::vector<generate::TextToVideo>& requests = all.requests;
  STARLING_ASSIGN(const auto customer, Customer::open(arguments.network));
  STARLING_ASSIGN(const base::Hash root, model.root());
  STARLING_ASSIGN(const node::Order order, node::prepare_order(model, root, requests, all.given));
  STARLING_ASSIGN(const node::Quote quote, agree(*customer, order, arguments.bargain));
  STARLING_TRY(base::check_interrupt());
  STARLING_ASSIGN(const std::uint64_t task, customer->requester().submit(order, quote.terms));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("task", task);
    json.set("videos", requests.size());
    json.set("max_price", std::to_string(quote.terms.max_price));
    json.set("time_limit", static_cast<double>(quote.terms.time_limit) / 1000.0);
    json.set("work", std::to_string(quote.work_per_part));
    json.set("seconds", quote.seconds ? base::Json(*quote.seconds) : base::Json());
    print_json(json);
  } else {
    print("task " + std::to_string(task) + " is submitted; fetch what it makes with: starling job wait " +
          std::to_string(task) + " -o " + (requests.size() == 1 ? "video.mp4" : "FOLDER/"));
  }
  return kFine;
}

// Where the video of a part goes: the file itself when there is one, else a file each in the folder.
base::Result<std::string> output_of(const std::string& output, std::size_t parts, std::uint32_t part) {
  std::error_code error;
  const bool folder = output.ends_with('/') || fs::is_directory(output, error);
  if (parts == 1 && !folder) return output;
  if (!folder) {
    return base::invalid("this job makes " + std::to_string(parts) + " videos: name a folder, such as -o videos/");
  }
  STARLING_TRY(base::make_directories(output));
  std::string number = std::to_string(part);
  constexpr std::size_t kDigits = 3;
  number.insert(0, kDigits - std::min(kDigits, number.size()), '0');
  return (fs::path(output) / (number + ".mp4")).string();
}

base::Result<int> wait(const JobArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.video.model));
  STARLING_ASSIGN(const auto customer, Customer::open(arguments.network));
  STARLING_ASSIGN(const node::TaskEntry task, customer->ledger().task(arguments.task));
  STARLING_ASSIGN(models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(base::Hash root, model.root());
  if (root != task.task.model) {
    if (std::optional<models::Checkpoint> kin = models::kin_of_root(folder, task.task.model)) {
      model = *std::move(kin);
      root = task.task.model;
    }
  }
  STARLING_ASSIGN(const node::Order order, customer->requester().order_of(arguments.task, model, root));
  const std::size_t parts = order.parts.size();
  STARLING_TRY(output_of(arguments.output, parts, 0));
  base::Json videos = base::Json::empty_array();
  TaskProgress progress(*customer, arguments.task,
                        static_cast<std::uint32_t>(order.parts[0].job->program().calls().size()), parts);
  STARLING_ASSIGN(const node::Requester::Collected collected,
                  customer->requester().collect(
                      arguments.task, order,
                      [&](const node::Delivery& delivery) -> base::Status {
                        STARLING_ASSIGN(const std::string file, output_of(arguments.output, parts, delivery.part));
                        STARLING_ASSIGN(const SavedVideo saved,
                                        save_delivery(*customer, arguments.task, delivery, file,
                                                      order.parts[delivery.part].input, arguments.lossless));
                        base::Json video = base::Json::empty_object();
                        video.set("part", delivery.part);
                        video.set("video", file);
                        video.set("receipt", saved.receipt.string());
                        video.set("executor", saved.provider);
                        video.set("price", std::to_string(saved.price));
                        videos.push(std::move(video));
                        return {};
                      },
                      [&](const node::TaskView& view) -> base::Status {
                        progress.see(view);
                        return base::check_interrupt();
                      }));
  progress.finish();
  // What was cancelled or lost may have cost something too: the ledger knows.
  std::size_t partly = 0;
  ledger::Motes paid = 0;
  ledger::Motes paid_in_vain = 0;  // for what was made and not handed over
  STARLING_ASSIGN(const node::TaskEntry entry, customer->ledger().task(arguments.task));
  STARLING_ASSIGN(const std::vector<node::PartEntry> settled, customer->ledger().parts(arguments.task));
  for (const node::PartEntry& part : settled) {
    const ledger::Motes price = node::price_paid(entry.task, part.part);
    partly += part.part.state == market::PartState::kPartlyPaid ? 1 : 0;
    paid += price;
    paid_in_vain += collected.failed.contains(part.index) ? price : 0;
  }
  base::Json failed = base::Json::empty_array();
  for (const auto& [part, error] : collected.failed) {
    base::Json row = base::Json::empty_object();
    row.set("part", part);
    row.set("error", error.message);
    row.set("price", std::to_string(node::price_paid(entry.task, settled[part].part)));
    failed.push(std::move(row));
    note("note: part " + std::to_string(part) + " was not delivered: " + error.message);
  }
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("task", arguments.task);
    json.set("videos", std::move(videos));
    json.set("lost", collected.lost);
    json.set("failed", std::move(failed));
    json.set("price", std::to_string(paid));
    print_json(json);
  } else {
    print(std::to_string(collected.delivered) + " of " + std::to_string(parts) + " videos are in " + arguments.output +
          "; all of it cost " + show_credits(paid) + " credits");
    if (collected.lost > 0) {
      print(std::to_string(collected.lost) + " were not made and are refunded" +
            (partly > 0 ? ", but for what was done of " + std::to_string(partly) + " when they were cancelled" : ""));
    }
    if (!collected.failed.empty()) {
      print(std::to_string(collected.failed.size()) + " were made and cost " + show_credits(paid_in_vain) +
            " credits, but were not handed over: " + undelivered_advice(arguments.task, arguments.output));
    }
  }
  return collected.delivered == parts ? kFine : kFailed;
}

const char* task_word(const market::Task& task) {
  if (task.unfinished == 0) return task.cancelled ? "cancelled" : "done";
  if (task.cancelled) return "being cancelled";
  return task.open == task.parts ? "waiting" : "in work";
}

base::Result<int> list(const JobArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const base::Address address, address_or_own(arguments.address));
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  base::Json entries = base::Json::empty_array();
  std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
  constexpr std::size_t kPage = 100;
  const auto limit = static_cast<std::size_t>(arguments.limit);
  for (bool more = true; more && entries.elements().size() < limit;) {
    const std::size_t wanted = std::min(kPage, limit - entries.elements().size());
    STARLING_ASSIGN(const auto tasks, network->ledger.latest_tasks_of(address, before, wanted));
    more = tasks.size() == wanted;
    for (const node::TaskEntry& entry : tasks) {
      before = entry.number;
      if (!arguments.json) {
        print("task " + std::to_string(entry.number) + "  " + local_time(std::to_string(entry.task.submitted)) + "  " +
              std::to_string(entry.task.parts - entry.task.unfinished) + " of " + std::to_string(entry.task.parts) +
              " videos settled  " + task_word(entry.task));
      }
      base::Json json = ledger::to_json(entry.task);
      json.set("task", entry.number);
      entries.push(std::move(json));
    }
  }
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("tasks", std::move(entries));
    print_json(json);
  } else if (entries.elements().empty()) {
    print("no jobs of " + address.text() + "; starling job submit makes one");
  }
  return kFine;
}

base::Result<int> show(const JobArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  STARLING_ASSIGN(const node::TaskEntry entry, network->ledger.task(arguments.task));
  STARLING_ASSIGN(const auto parts, network->ledger.parts(arguments.task));
  if (arguments.json) {
    base::Json json = ledger::to_json(entry.task);
    base::Json list = base::Json::empty_array();
    for (const node::PartEntry& part : parts) list.push(ledger::to_json(part.part));
    json.set("task", entry.number);
    json.set("parts", std::move(list));
    print_json(json);
    return kFine;
  }
  print("task " + std::to_string(entry.number) + " of " + entry.task.requester.text() + ": " + task_word(entry.task) +
        ", submitted " + local_time(std::to_string(entry.task.submitted)) + ", at most " +
        show_credits(entry.task.max_price) + " credits a video, until " +
        local_time(std::to_string(entry.task.deadline)));
  for (const node::PartEntry& part : parts) {
    std::string line = "  part " + std::to_string(part.index) + "  " + market::name_of(part.part.state);
    if (part.part.price > 0) {
      line += "  " + part.part.provider.text() + "  " + show_credits(part.part.price) + " credits";
    }
    if (part.part.attempts > 0) line += "  missed " + std::to_string(part.part.attempts) + " times";
    print(line);
  }
  return kFine;
}

base::Result<int> cancel(const JobArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const auto customer, Customer::open(arguments.network));
  STARLING_TRY(customer->requester().cancel(arguments.task));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("task", arguments.task);
    json.set("cancelled", true);
    print_json(json);
  } else {
    print("task " + std::to_string(arguments.task) +
          " is cancelled: what nobody had begun is refunded, the rest is paid as far as it was done");
  }
  return kFine;
}

base::Result<int> logs(const JobArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  std::vector<base::Json> entries;
  std::string before;
  for (bool more = true; more;) {
    STARLING_TRY(base::check_interrupt());
    STARLING_ASSIGN(const base::Json page, network->ledger.query("events?task=" + std::to_string(arguments.task) +
                                                                 (before.empty() ? "" : "&before=" + before)));
    STARLING_ASSIGN(const base::Json* const found, page.array("entries"));
    entries.insert(entries.end(), found->elements().begin(), found->elements().end());
    more = page.has("before");
    if (more) {
      STARLING_ASSIGN(before, page.text("before"));
    }
  }
  std::reverse(entries.begin(), entries.end());
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("task", arguments.task);
    json.set("entries", base::Json(std::move(entries)));
    print_json(json);
    return kFine;
  }
  for (const base::Json& entry : entries) {
    if (const std::string lines = event_lines(entry); !lines.empty()) print(lines);
  }
  return kFine;
}

// One task of a network, by its number.
Action about_task(Options& options, base::Result<int> (*action)(const JobArguments&)) {
  auto a = std::make_shared<JobArguments>();
  options.unsigned_integer("TASK", a->task, "Its number");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a, action] { return action(*a); };
}

}  // namespace

Action declare_job_submit(Options& options) {
  auto a = std::make_shared<JobArguments>();
  options.text("PROMPT", a->video.prompt, "What the videos shall show");
  options.text("--prompts", a->prompts, "File with a prompt on each line, or - for standard input");
  options.integer("--count", a->count, 1, market::kMaxParts, "Videos of each prompt, with seeds that follow (1)");
  options.unsigned_integer("--seed", a->video.seed, "Seed of the first video of each prompt (0)");
  declare_video_options(options, a->video);
  declare_bargain(options, a->bargain, "");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return submit(*a); };
}

Action declare_job_list(Options& options) {
  auto a = std::make_shared<JobArguments>();
  options.text("ADDRESS", a->address, "Whose; the default key's if not given");
  options.integer("--limit", a->limit, 1, 100'000, "Jobs to list, the latest first (20)");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return list(*a); };
}

Action declare_job_show(Options& options) { return about_task(options, show); }
Action declare_job_cancel(Options& options) { return about_task(options, cancel); }
Action declare_job_logs(Options& options) { return about_task(options, logs); }

Action declare_job_wait(Options& options) {
  auto a = std::make_shared<JobArguments>();
  options.unsigned_integer("TASK", a->task, "Its number");
  options.text("-o,--output", a->output, "File for the video; a folder when there are several",
               Options::Presence::kRequired);
  options.text("--model", a->video.model, "Folder of the task's model; the bundled one if not given");
  options.flag("--lossless", a->lossless, "Keep every bit of the frames");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return wait(*a); };
}

}  // namespace starling::cli
