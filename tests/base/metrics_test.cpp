#include "base/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace starling::base {
namespace {

TEST(Metrics, TextHasEveryKind) {
  Metrics metrics;
  metrics.counter("b_total", "B.", {{"path", "a\"b\\c\nd"}}).add(3);
  metrics.counter("b_total", "B.", {{"path", "z"}}).add();
  metrics.gauge("a", "A.").set(1.5);
  Histogram& seconds = metrics.histogram("c_seconds", "C.", {{"x", "y"}}, {0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) seconds.observe(value);
  EXPECT_EQ(metrics.text(),
            "# HELP a A.\n# TYPE a gauge\na 1.5\n"
            "# HELP b_total B.\n# TYPE b_total counter\nb_total{path=\"a\\\"b\\\\c\\nd\"} 3\nb_total{path=\"z\"} 1\n"
            "# HELP c_seconds C.\n# TYPE c_seconds histogram\n"
            "c_seconds_bucket{x=\"y\",le=\"0.1\"} 2\nc_seconds_bucket{x=\"y\",le=\"1\"} 3\n"
            "c_seconds_bucket{x=\"y\",le=\"+Inf\"} 4\nc_seconds_sum{x=\"y\"} 7.65\nc_seconds_count{x=\"y\"} 4\n");
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        metrics.counter("n_total", "N.").add();
        metrics.gauge("g", "G.").add(0.5);
        metrics.histogram("h", "H.").observe(0.001);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("n_total", "N.").value(), 4000U);
  EXPECT_EQ(metrics.gauge("g", "G.").value(), 2000);
  EXPECT_NEAR(metrics.histogram("h", "H.").sum(), 4, 1e-9);
}

}  // namespace
}  // namespace starling::base
