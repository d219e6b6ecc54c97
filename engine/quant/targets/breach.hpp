// The rules of a description that a node can break, by the names that descriptions and findings use.
#pragma once

#include <array>
#include <string_view>

namespace titrate::engine {

namespace breach {
inline constexpr std::string_view type = "type";                ///< codes of a type that the pattern does not take
inline constexpr std::string_view zero_point = "zero_point";    ///< not symmetric where it must be
inline constexpr std::string_view granularity = "granularity";  ///< scales per tensor, channel or block where others are wanted
inline constexpr std::string_view bias = "bias";                ///< its type
inline constexpr std::string_view parameters = "parameters";    ///< of output and input: equal, or fixed
inline constexpr std::string_view scale = "scale";              ///< out of bounds
inline constexpr std::string_view output = "output";            ///< no quantizer behind it
inline constexpr std::string_view pattern = "pattern";          ///< the target has none for the operator

inline constexpr std::array all = {type, zero_point, granularity, bias, parameters, scale, output, pattern};
}  // namespace breach

}  // namespace titrate::engine
