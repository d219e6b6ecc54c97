#include "reports/table.hpp"

#include <algorithm>
#include <array>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {

namespace {

constexpr std::array rows = {
    ReportRow{"terminal", "an aligned table of the trials, the layers worth a look, the verdict", render_terminal},
    ReportRow{"json", "everything the study holds, numbers in full", render_json},
    ReportRow{"html", "one page that needs nothing else: charts, layers, timeline, provenance", render_html},
    ReportRow{"markdown", "GitHub-flavoured tables, to paste into an issue", render_markdown},
};

}  // namespace

std::span<const ReportRow> reports() { return rows; }

const ReportRow& report_named(std::string_view format) {
  const auto found = std::ranges::find(rows, format, &ReportRow::format);
  if (found != rows.end()) return *found;
  std::vector<std::string> names;
  names.reserve(std::size(rows));
  for (const ReportRow& row : rows) names.emplace_back(row.format);
  const std::optional<std::string> near = nearest(format, names);
  throw_usage(cat("unknown report format '", visible(format), "'"), {},
              cat(near ? cat("did you mean '", *near, "'? ") : "", "the formats are ", join(names, ", ")));
}

}  // namespace titrate
