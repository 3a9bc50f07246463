#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starling::base {

// Numbers that a running program shows of itself. All of this is thread safe.

class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double change) {
    for (double old = value(); !value_.compare_exchange_weak(old, old + change, std::memory_order_relaxed);) continue;
  }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

// Counts of what was observed, by upper bounds.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  // Observations in each bucket, the last one above all bounds.
  std::vector<std::uint64_t> counts() const;
  double sum() const { return sum_.value(); }

 private:
  const std::vector<double> bounds_;  // ascending
  std::vector<std::atomic<std::uint64_t>> counts_;
  Gauge sum_;
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// From 0.1 ms to 30 s.
std::vector<double> duration_bounds();

// Every metric of a program by name and labels; names and the names of labels are words of a-z, 0-9 and _. What is
// handed out lives as long as this does, and asking again for the same gives the same. A name keeps the kind and, for
// histograms, the bounds of its first use; halts when a name is used for two kinds.
class Metrics {
 public:
  Counter& counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, const MetricLabels& labels = {},
                       const std::vector<double>& bounds = duration_bounds());
  // The Prometheus text format 0.0.4, in the order of names and labels.
  std::string text() const;

 private:
  struct Family {
    const char* kind = nullptr;
    std::string help;
    std::map<std::string, std::unique_ptr<Counter>> counters;
    std::map<std::string, std::unique_ptr<Gauge>> gauges;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
  };
  Family& family(const std::string& name, const std::string& help, const char* kind);
  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace starling::base
