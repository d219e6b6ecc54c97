#include <algorithm>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {
namespace {

constexpr CalibratorRow rows[] = {
    {CalibratorKind::minmax, "minmax", false, minmax_range},
    {CalibratorKind::moving_average, "moving_average", false, moving_average_range},
    {CalibratorKind::percentile, "percentile", true, percentile_range},
    {CalibratorKind::entropy, "entropy", true, entropy_range},
    {CalibratorKind::mse, "mse", true, mse_range},
};

}  // namespace

std::span<const CalibratorRow> calibrators() { return rows; }

const CalibratorRow& calibrator(CalibratorKind kind) {
  return *std::find_if(std::begin(rows), std::end(rows), [&](const CalibratorRow& row) { return row.kind == kind; });
}

}  // namespace titrate::engine
