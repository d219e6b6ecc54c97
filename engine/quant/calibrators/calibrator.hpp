// A calibrator turns the statistics of a value into the range that its codes shall cover. A new one is a file beside this and a row in
// table.cpp.
#pragma once

#include <span>
#include <string_view>

#include "engine/config/config.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/observers/value_statistics.hpp"

namespace titrate::engine {

struct ValueRange {
  float low = 0;   ///< <= 0
  float high = 0;  ///< >= 0
  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

struct CalibrationRequest {
  bool symmetric = false;     ///< the range will be made symmetric: search magnitudes
  int levels = 256;           ///< codes
  double percentile = 99.99;  ///< for `percentile`
};

struct CalibratorRow {
  CalibratorKind kind;
  std::string_view name;
  bool needs_histogram;
  /// The range for statistics of at least one finite number.
  ValueRange (*range)(const ValueStatistics& statistics, const CalibrationRequest& request);
};

[[nodiscard]] std::span<const CalibratorRow> calibrators();
[[nodiscard]] const CalibratorRow& calibrator(CalibratorKind kind);

ValueRange minmax_range(const ValueStatistics&, const CalibrationRequest&);
ValueRange moving_average_range(const ValueStatistics&, const CalibrationRequest&);
ValueRange percentile_range(const ValueStatistics&, const CalibrationRequest&);
ValueRange entropy_range(const ValueStatistics&, const CalibrationRequest&);
ValueRange mse_range(const ValueStatistics&, const CalibrationRequest&);

}  // namespace titrate::engine
