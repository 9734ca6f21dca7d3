# What a port compiles of the agent. JSA is the path to this folder; include
# directories are $(JSA_INCLUDES). Buffer sizes are set with -D: see agent_config.h.
JSA_INCLUDES = $(JSA) $(JSA)/../runtime $(JSA)/../include

# How plans come: over the link. A port that takes them in the image of its firmware alone sets this to
# $(JSA)/upload_read_only.c.
JSA_UPLOAD ?= $(JSA)/upload.c

# What is done at the start: a port without room for it sets this to nothing, and JSA_CHECKS_AT_START to 0.
JSA_START ?= $(JSA)/start.c

JSA_SOURCES = $(JSA_UPLOAD) $(JSA_START) $(addprefix $(JSA)/, agent_main.c answer.c arena.c capabilities.c \
    frame_decoder.c frame_writer.c handshake.c input.c plan.c readback.c run.c session.c)
