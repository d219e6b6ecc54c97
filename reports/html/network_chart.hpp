// SQNR along the network: one place for each layer, from the first to the last.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace titrate::html {

/// What is drawn for each layer; a layer without a value has a gap.
struct NetworkSeries {
  std::string name;       ///< for the legend
  std::string_view kind;  ///< CSS class: "alone" is drawn as bars, "accumulated" as points on a line
  std::vector<std::optional<double>> decibels;
};

struct NetworkChart {
  std::string_view id;  ///< unique in the page
  std::string title;
  std::vector<std::string> layers;
  std::vector<NetworkSeries> series;
  std::optional<std::size_t> worst;  ///< marked
};

/// A figure for wide and for narrow screens, with its legend. What is above 60 dB, as good as float, is drawn at the upper edge.
[[nodiscard]] std::string network_figure(const NetworkChart& chart);

}  // namespace titrate::html
