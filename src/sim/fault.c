/* fault.c: loss, duplication, corruption, reordering and jitter of one direction, as tc-netem(8) does them. All chances
 * come from the direction's own generator; a fault that is not set draws nothing. lil_percent: "0.5%" without floating
 * point. */
#include <stdlib.h>
#include "sim/sim_node.h"

static bool chance(struct prng *prng, uint32_t probability)
{
    if (!probability)
        return false;
    uint32_t draw = (uint32_t)(prng_next(prng) >> 32);
    return probability == UINT32_MAX || draw < probability;
}

struct fault_verdict fault_judge(struct sim_direction *direction)
{
    const struct lil_link_config *config = &direction->config;
    struct fault_verdict verdict = {
        .duplicated = chance(&direction->prng, config->duplicate),
        .lost = chance(&direction->prng, config->loss),
        .corrupted = chance(&direction->prng, config->corrupt),
    };
    return verdict;
}

uint64_t fault_delay(struct sim_direction *direction)
{
    const struct lil_link_config *config = &direction->config;
    uint32_t gap = config->reorder_gap ? config->reorder_gap : 1;
    if (config->reorder && ++direction->since_reorder >= gap && chance(&direction->prng, config->reorder)) {
        direction->since_reorder = 0;
        return 0; /* it overtakes those that are under way */
    }
    if (!config->jitter_ns)
        return config->delay_ns;
    uint64_t spread = prng_below(&direction->prng, 2 * config->jitter_ns + 1);
    return config->delay_ns + spread > config->jitter_ns ? config->delay_ns + spread - config->jitter_ns : 0;
}

int fault_corrupt(struct sim_direction *direction, struct lil_packet *packet)
{
    uint8_t start[ETH_LENGTH];
    struct eth eth;
    if (packet_read(packet, 0, start, sizeof(start)) < sizeof(start) || eth_parse(&eth, start, sizeof(start)) < 0)
        return -EBADMSG;
    /* ARP has no checksum of its own: there the Ethernet frame check does its work and the frame is gone. */
    if ((eth.type != ETHERTYPE_V4 && eth.type != ETHERTYPE_V6) || packet->length <= ETH_LENGTH)
        return -EBADMSG;
    wire_csum_fill(packet);
    if (packet->slice_count && packet_flatten(packet) < 0)
        return -ENOMEM;
    uint32_t bit = (uint32_t)prng_below(&direction->prng, (uint64_t)(packet->length - ETH_LENGTH) * 8);
    uint32_t offset = ETH_LENGTH + bit / 8;
    uint8_t *byte;
    if (offset < packet->head_len)
        byte = packet->head + packet->head_off + offset;
    else
        byte = packet->slices[0].block->data + packet->slices[0].off + (offset - packet->head_len);
    *byte ^= (uint8_t)(1u << bit % 8);
    packet->csum = CSUM_NONE;
    packet->flags &= (uint8_t)~PACKET_HAS_SUM;
    return 0;
}

uint32_t lil_percent(const char *text)
{
    char *end;
    uint64_t whole = strtoull(text, &end, 10), fraction = 0, scale = 1;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9' && scale < 1000000; end++, scale *= 10)
            fraction = fraction * 10 + (uint64_t)(*end - '0');
    if (whole >= 100)
        return UINT32_MAX;
    return (uint32_t)(((whole * scale + fraction) << 32) / (100 * scale));
}
