#include <gtest/gtest.h>

#include "train/evaluation/html.h"

namespace starling::train::evaluation {
namespace {

Report report_of(const std::string& column) {
  Report report;
  report.options.clips = 1;
  for (const std::string& name : {column, std::string("floor"), std::string("ceiling")}) {
    Column one;
    one.name = name;
    one.counts.resize(1);
    one.amounts.resize(1);
    one.counts[0][static_cast<std::size_t>(Measure::kShape)] = {name == "ceiling" ? 1U : 0U, 1};
    one.scores = tally(one.counts);
    one.means = average(one.amounts);
    report.columns.push_back(std::move(one));
  }
  return report;
}

TEST(EvaluationPage, EscapesCaptionsAndAsksForNothing) {
  const std::string caption = R"(<script src="http://there/x.js">alert('&')</script>)";
  const std::string page =
      report_html(report_of("model"), {{0, caption, {{"model", {'M', 'a'}}, {"ceiling", {'M', 'a', 'n'}}}}});
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script src=&quot;http://there/x.js&quot;&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"),
            std::string::npos);
  for (const char* outside : {"src=\"http", "href=", "url(", "@import"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
  EXPECT_NE(page.find("data:video/mp4;base64,TWE=\""), std::string::npos);
  EXPECT_NE(page.find("data:video/mp4;base64,TWFu\""), std::string::npos);
  EXPECT_NE(page.find("model: <span class=\"wrong\">wrong: shape</span>"), std::string::npos);
  EXPECT_NE(page.find("ceiling: all right"), std::string::npos);
}

TEST(EvaluationPage, ShowsEveryMeasureAndColumn) {
  const std::string page = report_html(report_of("<m>"), {});
  for (std::size_t m = 0; m < kMeasures; ++m) {
    EXPECT_NE(page.find("<td>" + std::string(name(static_cast<Measure>(m))) + "</td>"), std::string::npos);
  }
  EXPECT_NE(page.find("<th>&lt;m&gt;</th>"), std::string::npos);
}

}  // namespace
}  // namespace starling::train::evaluation
