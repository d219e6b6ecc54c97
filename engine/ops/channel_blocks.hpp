// Values in blocks of channels: [N, ceil(C / lanes), H, W, lanes] in place of [N, C, H, W]. Operators that make, read and return them have
// a domain of their own; who computes number by number reads the five axes as they are.
#pragma once

#include "engine/kernels/channel_blocks/layout.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {

/// What channels_blocks() (engine/passes) makes of float32 networks, each with an attribute `lanes`:
///   ToBlocks           X [N, C, H, W]: in blocks, zeros behind the last channel
///   FromBlocks         X in blocks; attribute `channels`: [N, channels, H, W]
///   Conv               X, W, B, Z and attributes as of FusedConv, two spatial axes, W and B constant; X and Z in blocks; with planes = 1 X
///                      is [N, C, H, W]. The output is in blocks
///   MaxPool, AveragePool, GlobalAveragePool
///                      X in blocks, attributes as in ONNX, no indices; the output is in blocks, [N, ceil(C / lanes), 1, 1, lanes] of
///                      the global one
/// Behind the last channel there is any finite number in what they return, and they let none reach a channel from what they read.
inline constexpr std::string_view blocks_domain = "titrate.blocks";

/// The channels of a block at the selected level of instructions.
[[nodiscard]] std::int64_t block_lanes();

/// [N, C, H, W] in blocks, and the other way round for so many channels. A size of -1 is unknown and stays so.
[[nodiscard]] Shape shape_in_blocks(const Shape& planes, std::int64_t lanes);
[[nodiscard]] Shape shape_in_planes(const Shape& blocks, std::int64_t channels);

/// The node's attribute `lanes`. Throws Error(invalid) if it is not positive.
[[nodiscard]] std::int64_t lanes_of(const Node& node);

/// The shape of an input in blocks, or null while it is unknown. Throws Error(invalid) if it is none in blocks of `lanes`.
[[nodiscard]] const Shape* shape_of_blocks(const InferRequest& request, std::size_t index, std::int64_t lanes);

/// Refuses a step whose blocks are not those of the selected level.
void check_lanes(const PrepareRequest& request);

/// Which form of an input the operator Conv reads.
using kernels::ImageOrder;

/// Whether the operator Conv computes a Conv or FusedConv with these weights [M, C / group, kH, kW] at the selected level. `input`:
/// [N, C, H, W], -1 where a size is unknown.
[[nodiscard]] bool convolves_in_blocks(const Node& node, const Shape& weights, const Shape& input, ImageOrder order);

}  // namespace titrate::engine::ops
